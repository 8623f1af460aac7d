export async function soakMemory() {}
