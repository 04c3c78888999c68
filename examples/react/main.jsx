// A meeting made of Amazon's React components, unmodified; ../app/backend.mjs is its backend.
import {
  AudioInputControl, ControlBar, ControlBarButton, GlobalStyles, lightTheme, MeetingProvider, MeetingStatus, Phone, Roster, RosterAttendee, RosterGroup,
  useLocalVideo, useMeetingManager, useMeetingStatus, useRosterState, VideoInputControl, VideoTileGrid,
} from 'amazon-chime-sdk-component-library-react';
import { MeetingSessionConfiguration } from 'amazon-chime-sdk-js';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { ThemeProvider } from 'styled-components';

function Door() {
  const manager = useMeetingManager();
  const [problem, say] = useState('');
  async function join(event) {
    event.preventDefault();
    const answer = await fetch(`/join?${new URLSearchParams(new FormData(event.target))}`, { method: 'POST' });
    if (!answer.ok) return say(await answer.text());
    const { Meeting, Attendee } = await answer.json();
    manager.getAttendee = async (_, externalUserId) => ({ name: externalUserId });
    await manager.join(new MeetingSessionConfiguration({ Meeting }, { Attendee }));
    await manager.start();
  }
  return (
    <form onSubmit={join}>
      <input name="title" placeholder="Title" required minLength="2" />
      <input name="name" placeholder="Your name" required minLength="2" />
      <button>Join</button> {problem}
    </form>
  );
}

function Room() {
  const manager = useMeetingManager();
  const { toggleVideo } = useLocalVideo();
  const people = Object.values(useRosterState().roster);
  useEffect(() => { toggleVideo(); }, []); // the camera is on from the start
  return (
    <>
      <p>connected</p>
      <Roster style={{ height: 'auto' }}>
        <RosterGroup>{people.map(({ chimeAttendeeId: id }) => <RosterAttendee key={id} attendeeId={id} />)}</RosterGroup>
      </Roster>
      <div style={{ height: '60vh' }}><VideoTileGrid layout="standard" /></div>
      <ControlBar layout="bottom" showLabels>
        <AudioInputControl /> <VideoInputControl />
        <ControlBarButton icon={<Phone />} label="Leave" onClick={() => manager.leave()} />
      </ControlBar>
    </>
  );
}

function Meeting() {
  const status = useMeetingStatus();
  if (status === MeetingStatus.Succeeded) return <Room />;
  return <>{status === MeetingStatus.Ended && <p>ended</p>}<Door /></>;
}

createRoot(document.getElementById('root')).render(
  <ThemeProvider theme={lightTheme}>
    <GlobalStyles />
    <MeetingProvider><Meeting /></MeetingProvider>
  </ThemeProvider>,
);
