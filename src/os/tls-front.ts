// A TLS listener whose certificates and rules for clients change while it listens. Whoever connects is handed to the server that
// is in force at that moment; earlier ones live on as long as their connections do.

import type { ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { createServer, type Server } from 'node:net';

export class TlsFront {
  /** What listens: it knows all connections, whichever server has them. */
  readonly listener: Server;
  /** With how many connections each has. */
  readonly #servers = new Map<HttpsServer, number>();
  readonly #answering = new Set<ServerResponse>();
  #inForce: HttpsServer;

  constructor(first: HttpsServer) {
    this.#inForce = first;
    this.#take(first);
    this.listener = createServer({ noDelay: true }, socket => {
      this.#inForce.emit('connection', socket);
    });
  }

  /** For connections from now on. Those that wait for their next request end, so that nobody goes on with what was before. */
  put(next: HttpsServer): void {
    const before = this.#inForce;
    this.#inForce = next;
    this.#take(next);
    // What is being answered ends with its answer.
    for (const response of this.#answering)
      if (!response.headersSent) response.setHeader('connection', 'close');
    before.closeIdleConnections();
    this.#dropIfDone(before);
  }

  closeIdleConnections(): void {
    for (const server of this.#servers.keys()) server.closeIdleConnections();
  }

  closeAllConnections(): void {
    for (const server of this.#servers.keys()) server.closeAllConnections();
  }

  /** Once nothing listens any more and all connections have ended. */
  end(): void {
    for (const server of this.#servers.keys()) stop(server);
  }

  #take(server: HttpsServer): void {
    this.#servers.set(server, 0);
    // A server begins to look for slow clients when it listens.
    server.emit('listening');
    server.on('secureConnection', socket => {
      this.#count(server, 1);
      socket.once('close', () => {
        this.#count(server, -1);
        this.#dropIfDone(server);
      });
    });
    server.prependListener('request', (_, response) => {
      this.#answering.add(response);
      response.once('close', () => {
        this.#answering.delete(response);
        if (server !== this.#inForce) server.closeIdleConnections();
      });
      if (server !== this.#inForce) response.setHeader('connection', 'close');
    });
  }

  #count(server: HttpsServer, by: number): void {
    this.#servers.set(server, (this.#servers.get(server) ?? 0) + by);
  }

  #dropIfDone(server: HttpsServer): void {
    if (server === this.#inForce || (this.#servers.get(server) ?? 0) > 0) return;
    this.#servers.delete(server);
    stop(server);
  }
}

/** It never listened itself, which is all that it may complain of; what ends is its looking for slow clients. */
function stop(server: HttpsServer): void {
  server.close(() => {});
}
