// Who is in the meeting, how loud, and who speaks.

import type { AudioVideoFacade } from 'amazon-chime-sdk-js';
import { isContent, isRecorder, nameOf } from '../ui/names';
import type { Sdk } from './sdk';
import type { Person, RoomStore } from './state';

export class Attendance {
  private arrivals = 0;

  constructor(
    sdk: Sdk,
    private readonly av: AudioVideoFacade,
    private readonly self: string,
    private readonly store: RoomStore,
    private readonly say: (text: string) => void,
  ) {
    // The speaker detector has to be there before the roster is.
    av.subscribeToActiveSpeakerDetector(new sdk.DefaultActiveSpeakerPolicy(), (ids) => this.speakers(ids));
    av.realtimeSubscribeToAttendeeIdPresence((id, present, external, dropped) => {
      if (isContent(id)) return;
      if (isRecorder(external ?? '')) this.recorder(id, present);
      else if (present) this.arrived(id, external ?? id);
      else this.departed(id, dropped ?? false);
    });
  }

  /** A recording is an attendee to the SDK, and nobody's tile. */
  private recorder(id: string, present: boolean): void {
    const { recorders } = this.store.state;
    const before = recorders.size;
    if (present) recorders.add(id);
    else recorders.delete(id);
    if (!before && recorders.size) this.say('This meeting is being recorded');
    if (before && !recorders.size) this.say('The recording has ended');
    this.store.change();
  }

  private arrived(id: string, external: string): void {
    const { people } = this.store.state;
    if (people.has(id)) return;
    const person: Person = {
      id,
      name: nameOf(external),
      self: id === this.self,
      muted: false,
      volume: 0,
      signal: 1,
      speaking: false,
      spoke: 0,
      order: this.arrivals++,
    };
    people.set(id, person);
    this.av.realtimeSubscribeToVolumeIndicator(id, (_id, volume, muted, signal) => {
      // The SDK reports null for what did not change.
      person.volume = volume ?? person.volume;
      person.muted = muted ?? person.muted;
      person.signal = signal ?? person.signal;
      this.store.change();
    });
    if (!person.self) this.say(`${person.name} joined`);
    this.store.change();
  }

  private departed(id: string, dropped: boolean): void {
    const { people, hands, shown } = this.store.state;
    const person = people.get(id);
    if (!person) return;
    people.delete(id);
    hands.delete(id);
    shown.delete(id);
    this.av.realtimeUnsubscribeFromVolumeIndicator(id);
    if (!person.self) this.say(dropped ? `${person.name} lost the connection` : `${person.name} left`);
    this.store.change();
  }

  private speakers(ids: string[]): void {
    for (const person of this.store.state.people.values()) {
      const before = person.speaking;
      person.speaking = ids.includes(person.id);
      if (before || person.speaking) person.spoke = performance.now(); // told only when it changes
    }
    this.store.change();
  }
}
