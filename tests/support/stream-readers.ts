import http from 'node:http';
import WebSocket from 'ws';
import { RtmpClient } from '../clients/rtmp.mjs';
import type { PacedReader } from './paced-reader';

/** A viewer of one continuous stream, which arrives at the film's own pace. */
export interface StreamReader extends Omit<PacedReader, 'stop'> {
  /** Takes nothing out of the connection any more. */
  pause(): void;
  resume(): void;
  close(): void;
}

export async function readRtmp(url: string): Promise<StreamReader> {
  const client = await RtmpClient.open(url);
  return {
    cutOff: client.closed.then(() => Date.now()),
    bytes: () => client.receivedBytes,
    pause: () => client.socket.pause(),
    resume: () => client.socket.resume(),
    close: () => client.close(),
  };
}

export async function readWebSocket(url: string): Promise<StreamReader> {
  const socket = new WebSocket(url, { headers: { 'user-agent': 'paced' } });
  let bytes = 0;
  socket.on('error', () => undefined);
  socket.on('message', (data: Buffer) => {
    bytes += data.length;
  });
  return {
    cutOff: new Promise((resolve) => socket.once('close', () => resolve(Date.now()))),
    bytes: () => bytes,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.terminate(),
  };
}

/** HTTP-FLV at an address that redirects nowhere. */
export async function readHttp(url: string): Promise<StreamReader> {
  const request = http.get(url, { headers: { 'user-agent': 'paced' }, agent: false });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  let bytes = 0;
  response.on('error', () => undefined);
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  return {
    cutOff: new Promise((resolve) => response.once('close', () => resolve(Date.now()))),
    bytes: () => bytes,
    pause: () => response.pause(),
    resume: () => response.resume(),
    close: () => response.destroy(),
  };
}
