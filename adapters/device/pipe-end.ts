// The writing end of a pipe whose reader waits in another process. Knows neither what is written nor who reads it.
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

/** A pipe that is open for writing. Its reader sees the end of it once this is closed, here or with the process. */
export interface PipeEnd {
  /**
   * Writes an ASCII text, without waiting for room, and closes. `cut`: there was too little room; `gone`: nobody reads any more, or
   * there was no room at all. With both it stays open, or the reader would take what it has for the whole.
   */
  send(text: string): 'sent' | 'cut' | 'gone';
  close(): void;
}

/**
 * Opens the pipe that a path of `/proc/PID/fd` leads to, which needs no writer to be there, unlike a FIFO with a name (fifo(7)).
 * Null: it is no pipe, may not be opened (proc(5), "/proc/pid/fd"), or no descriptor is left.
 */
export function openPipeEnd(path: string): PipeEnd | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  const close = () => closeSync(descriptor);
  if (!fstatSync(descriptor).isFIFO()) {
    close();
    return null;
  }
  return {
    send(text) {
      const bytes = Buffer.from(text, 'latin1');
      const written = writeUpTo(descriptor, bytes);
      if (written < bytes.length) return written > 0 ? 'cut' : 'gone';
      close();
      return 'sent';
    },
    close,
  };
}

function writeUpTo(descriptor: number, bytes: Buffer): number {
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(descriptor, bytes, written);
  } catch {
    // EAGAIN or EPIPE: what counts is how much went in.
  }
  return written;
}
