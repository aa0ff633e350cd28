/** A wire between a browser and a server that can be cut, and mended. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Wire {
  readonly port: number;
  /** Ends every connection, and takes no new ones. */
  readonly cut: () => void;
  readonly mend: () => void;
  readonly close: () => Promise<void>;
}

/** Listens on a port of its own; where it leads is said later, because the server must know the port. */
export async function stretchWire(): Promise<Wire & { leadTo: (port: number) => void }> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let target = 0;
  const server: Server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    cut,
    mend() {
      isCut = false;
    },
    leadTo(to) {
      target = to;
    },
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
