// Hands a seat in a meeting from one page of this origin to another, in a tab of
// its own. It goes through the tab's storage, which no server and no history
// sees, and is taken out when it is read.

const key = 'carillon-seat';

/** Where seats are taken that other pages or programs got. */
export const joinPath = '/join';

/** Opens the page that joins, with the Meeting and the Attendee as the API answers them. */
export function joinElsewhere(meeting: unknown, attendee: unknown): void {
  sessionStorage.setItem(key, JSON.stringify({ Meeting: meeting, Attendee: attendee }));
  window.open(joinPath, '_blank'); // it begins with a copy of this tab's storage
  sessionStorage.removeItem(key);
}

/** What was handed over to this page; empty when nothing was. */
export function handedOver(): string {
  const text = sessionStorage.getItem(key) ?? '';
  sessionStorage.removeItem(key);
  return text;
}
