// The name and the version that the program goes by.

/** As in package.json. */
export const service = { name: 'wgkeeper-node', version: '2.0.0' } as const;
