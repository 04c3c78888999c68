// The page, with the unmodified client: npm run app bundles it.
import { ConsoleLogger, DefaultDeviceController, DefaultMeetingSession, LogLevel, MeetingSessionConfiguration } from 'amazon-chime-sdk-js';

const $ = selector => document.querySelector(selector);
const logger = new ConsoleLogger('meeting', LogLevel.WARN);
const say = text => ($('#status').textContent = text);

$('form').onsubmit = async event => {
  event.preventDefault();
  const answer = await fetch(`/join?${new URLSearchParams(new FormData($('form')))}`, { method: 'POST' });
  if (!answer.ok) return say(await answer.text());
  const { Meeting, Attendee } = await answer.json();
  const configuration = new MeetingSessionConfiguration({ Meeting }, { Attendee });
  const { audioVideo } = new DefaultMeetingSession(configuration, logger, new DefaultDeviceController(logger));

  audioVideo.addObserver({
    audioVideoDidStartConnecting: again => say(again ? 'reconnecting' : 'connecting'),
    audioVideoDidStart: () => say('connected'),
    audioVideoDidStop: status => { say(`left (${status.statusCode()})`); $('#videos').replaceChildren(); $('#people').replaceChildren(); },
    videoTileDidUpdate: tile => {
      const id = `tile-${tile.tileId}`;
      const video = document.getElementById(id) ?? Object.assign(document.createElement('video'), { id });
      $('#videos').append(video);
      audioVideo.bindVideoElement(tile.tileId, video);
    },
    videoTileWasRemoved: id => document.getElementById(`tile-${id}`)?.remove(),
  });
  audioVideo.realtimeSubscribeToAttendeeIdPresence((id, present, name) => {
    document.getElementById(id)?.remove();
    if (present) $('#people').append(Object.assign(document.createElement('li'), { id, textContent: name }));
  });

  await audioVideo.startAudioInput((await audioVideo.listAudioInputDevices())[0].deviceId);
  await audioVideo.startVideoInput((await audioVideo.listVideoInputDevices())[0].deviceId);
  await audioVideo.bindAudioElement($('audio'));
  audioVideo.start();
  audioVideo.startLocalVideoTile();
  $('#leave').disabled = false;
  $('#leave').onclick = () => audioVideo.stop();
};
