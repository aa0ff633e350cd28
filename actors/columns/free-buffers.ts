/**
 * Gives the memory of buffers back at once. V8 would do so when it has found out that nobody has them, and
 * until then it looks through the whole heap for every few of them that are made.
 */

/** A port that nobody listens to: what is moved there is gone. */
let nowhere: MessagePort | undefined;

/** Detaches the buffers. Views on them are empty afterwards. */
export function freeBuffers(buffers: readonly ArrayBuffer[]): void {
  if (buffers.length === 0) return;
  nowhere ??= openNowhere();
  nowhere.postMessage(undefined, [...buffers]);
}

function openNowhere(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.close();
  return port1;
}
