// npm run openapi: writes docs/openapi.json anew, from the routes and their descriptions.
import { writeFileSync } from 'node:fs';
import { api } from './api.ts';
import { renderApi } from './document.ts';

writeFileSync('docs/openapi.json', renderApi(api));
