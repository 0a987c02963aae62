// What a client connection is to admission.

export const ROLES = ['producer', 'worker'] as const;
export type Role = (typeof ROLES)[number];
