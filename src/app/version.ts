// The version, in one place; a test holds package.json to it.

export const VERSION = '0.1.0';
