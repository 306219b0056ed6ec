/** Limits for load that all comes from one address, and at once, as no honest client's does. Goes to config.yaml. */
export const ONE_ADDRESS = {
  connectionsMax: 20_000,
  connectionsPerAddressMax: 20_000,
  handshakesPerAddressMax: 20_000,
  memoryMaxMb: 16_384,
} as const;
