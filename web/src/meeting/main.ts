// The meeting page: a lobby, then the meeting, then a word of why it is over.

import { announcer, el, fill } from '../ui/dom';
import { Refusal, type Seat, startMeeting, takeSeat } from './backend';
import { Call } from './call';
import { loadPreferences, savePreferences } from './devices';
import { endView } from './ending';
import { Lobby } from './lobby';
import { Room } from './room';
import { loadSdk, loadSdkSoon, type Sdk } from './sdk';
import { newRoomStore } from './state';
import { type Explanation, explain } from './words';

const app = document.getElementById('app') as HTMLElement;
const announce = announcer();
const view = el('div', { class: 'view' });
fill(app, view, announce.element);

const preferences = loadPreferences();

function codeOfAddress(): string {
  const match = /^\/m\/([^/]+)$/.exec(location.pathname);
  return match ? decodeURIComponent(match[1] ?? '') : '';
}

function show(element: HTMLElement, title: string): void {
  fill(view, element);
  document.title = title;
  element.querySelector<HTMLElement>('[data-focus]')?.focus({ preventScroll: true });
}

function showLobby(problem = ''): void {
  const code = codeOfAddress();
  const lobby = new Lobby({ code, preferences, problem, join: (typed) => join(lobby, typed) });
  show(lobby.element, code ? 'Join the meeting · Carillon' : 'Carillon');
}

async function join(lobby: Lobby, typed: string): Promise<void> {
  savePreferences(preferences);
  try {
    const code = typed || (await startMeeting());
    const [seat, sdk] = await Promise.all([takeSeat(code, preferences.name), loadSdk()]);
    history.replaceState(null, '', `/m/${seat.code}`);
    lobby.close();
    enter(sdk, seat);
  } catch (error) {
    lobby.fail(
      error instanceof Refusal
        ? error.message
        : 'The meeting software could not be loaded. Check your network and try again.',
    );
  }
}

function enter(sdk: Sdk, seat: Seat): void {
  const { micOn, cameraOn } = preferences;
  const store = newRoomStore();
  const over = (code: number) => {
    room.close();
    Object.assign(preferences, call.close());
    savePreferences(preferences);
    showEnd(explain(code));
  };
  const call = new Call(sdk, seat, { ...preferences }, store, { say: announce.say, over });
  const room = new Room(store, call, seat.code);
  show(room.element, `${seat.code} · Carillon`);
  void call.start(room.speaker, micOn, cameraOn);
}

function showEnd(why: Explanation): void {
  announce.say(why.title);
  show(
    endView(why, {
      again: () => showLobby(),
      home: () => {
        history.replaceState(null, '', '/');
        showLobby();
      },
    }),
    `${why.title} · Carillon`,
  );
}

window.addEventListener('popstate', () => showLobby());
showLobby();
loadSdkSoon();
