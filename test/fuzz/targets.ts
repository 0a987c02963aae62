// All targets that are pure functions of bytes.

import type { Target } from './target.ts';
import { commands } from './targets/commands.ts';
import { configs } from './targets/config.ts';
import { handshakes } from './targets/handshake.ts';
import { replies } from './targets/replies.ts';

export const TARGETS: readonly Target[] = [replies, commands, handshakes, configs];
