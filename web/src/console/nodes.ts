// The nodes of the cluster, as the one that is asked sees them.

import { el, fill, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { Feed } from './feed';
import type { Frame, Page } from './frame';
import { nodeColumns, nodeRow, troubleOf } from './nodelist';
import type { NodeRow } from './rows';
import { VirtualTable } from './virtual';

export class NodesPage implements Page {
  readonly element: HTMLElement;
  readonly title = 'Nodes';

  private readonly feed: Feed;
  private readonly trouble = el('p', { class: 'note', role: 'status', hidden: true });
  private readonly troubleText = el('span');
  private readonly table = new VirtualTable<NodeRow>({
    label: 'Nodes',
    columns: nodeColumns,
    rowHeight: 48,
    narrowRowHeight: 76,
    key: (n) => n.id,
    make: nodeRow,
    empty: 'The nodes are not known yet.',
    sortedBy: 0,
  });

  constructor(frame: Frame) {
    fill(this.trouble, icon('warning', 20), this.troubleText);
    this.element = el(
      'div',
      { class: 'list-page nodes' },
      el('div', { class: 'list-head' }, el('h1', {}, this.title)),
      this.trouble,
      this.table.element,
    );
    this.feed = new Feed(frame.server.eventsOfNodes(), {
      changed: () => this.draw(),
      liveness: (liveness) => frame.liveness(liveness),
      signedOut: () => frame.signedOut(),
    });
  }

  close(): void {
    this.feed.close();
    this.table.close();
  }

  private draw(): void {
    const nodes = [...this.feed.table<NodeRow>('nodes').values()];
    const trouble = troubleOf(nodes);
    this.trouble.hidden = !trouble;
    setText(this.troubleText, trouble);
    this.table.show(nodes);
  }
}
