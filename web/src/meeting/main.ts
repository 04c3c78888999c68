// The meeting page: a lobby, then the meeting, then a word of why it is over.

import { announcer, el, fill } from '../ui/dom';
import { handedOver, joinPath } from '../ui/handover';
import { Refusal, type Seat, startMeeting, takeSeat } from './backend';
import { Call } from './call';
import { loadPreferences, savePreferences } from './devices';
import { endView } from './ending';
import { insecureView } from './insecure';
import { Lobby } from './lobby';
import { PastePage } from './paste';
import { Room } from './room';
import { loadSdk, loadSdkSoon, type Sdk } from './sdk';
import { newRoomStore } from './state';
import { type Course, type Explanation, explain } from './words';

const app = document.getElementById('app') as HTMLElement;
const announce = announcer();
const view = el('div', { class: 'view' });
fill(app, view, announce.element);

const preferences = loadPreferences();

function codeOfAddress(): string {
  const match = /^\/m\/([^/]+)/.exec(location.pathname);
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

/** The page for a seat that another backend gave out. */
function showPaste(given = ''): void {
  const join = async (seat: Seat): Promise<void> => {
    try {
      enter(await loadSdk(), seat);
    } catch {
      page.fail(notLoaded);
    }
  };
  const page = new PastePage({ given, join });
  show(page.element, 'Join as an attendee · Carillon');
}

/** The server may have been upgraded: it has no longer what this page is made of. */
const notLoaded =
  'The meeting software could not be loaded. Check your network, and reload this page: there may be a new version.';

/** Shows what the address asks for. */
function route(): void {
  if (location.pathname === joinPath) showPaste(handedOver());
  else showLobby();
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
    lobby.fail(error instanceof Refusal ? error.message : notLoaded);
  }
}

function enter(sdk: Sdk, seat: Seat): void {
  const { micOn, cameraOn } = preferences;
  const store = newRoomStore();
  const over = (code: number, course: Course) => {
    room.close();
    Object.assign(preferences, call.close());
    savePreferences(preferences);
    showEnd(explain(code, course), seat);
  };
  const call = new Call(sdk, seat, { ...preferences }, store, { say: announce.say, over });
  const room = new Room(store, call, seat.code);
  show(room.element, `${seat.code || 'Meeting'} · Carillon`);
  void call.start(room.speaker, micOn, cameraOn);
}

function showEnd(why: Explanation, seat: Seat): void {
  announce.say(why.title);
  show(
    endView(why, {
      again: () =>
        seat.code ? showLobby() : showPaste(JSON.stringify({ Meeting: seat.meeting, Attendee: seat.attendee })),
      elsewhere: () => {
        if (seat.code) history.replaceState(null, '', '/');
        route();
      },
      elsewhereWord: seat.code ? 'New meeting' : 'Another attendee',
    }),
    `${why.title} · Carillon`,
  );
}

if (window.isSecureContext) {
  window.addEventListener('popstate', route);
  route();
  loadSdkSoon();
} else {
  show(insecureView(location), 'This page needs https · Carillon');
}
