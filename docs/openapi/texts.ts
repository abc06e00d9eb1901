// What the description of the API says about all operations alike.

export const introduction = `Manages the peers of one WireGuard interface. Any call may be sent again.

\`HEAD\` works wherever \`GET\` does, and a trailing slash makes no difference. An unknown path answers 404 \`not_found\`; a
known one with another method 405 \`method_not_allowed\` with \`Allow\`. Request line and headers over 8 KiB: 431, a page
without a code. Errors are told apart by their \`code\`. Timestamps are UTC, in whole seconds.`;

export const license = { name: 'MIT', identifier: 'MIT' };

/** Headers of answers, by their name. Each stands in every answer that refers to it. */
export const headers = {
  'X-Request-Id': {
    required: true,
    description: "The caller's, if it sent a UUID v4 in this header, or a fresh one. Audit lines name it.",
    schema: { type: 'string', format: 'uuid' },
  },
  'Retry-After': {
    required: true,
    description: 'Whole seconds.',
    schema: { type: 'string', pattern: '^[1-9][0-9]*$' },
  },
  Allow: {
    required: true,
    description: 'The methods that this path takes, with commas between them.',
    schema: { type: 'string' },
  },
};

/** Which headers failures of a status carry beside the request's id. */
export const extraHeaders: Readonly<Record<number, readonly (keyof typeof headers)[]>> = {
  405: ['Allow'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};
