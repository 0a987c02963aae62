// Wrong usage of a program: runProgram ends it with exit code 2.

export class UsageError extends Error {}
