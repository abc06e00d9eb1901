// Every micro-benchmark.
import type { Case } from './case.ts';
import { deviceCases } from './device.ts';
import { httpCases } from './http.ts';
import { peerCases } from './peers.ts';
import { storeCases } from './store.ts';

export const cases: readonly Case[] = [...httpCases, ...peerCases, ...deviceCases, ...storeCases];
