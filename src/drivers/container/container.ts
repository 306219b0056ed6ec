/** Front door of src/drivers/container for what other processes than the spawner need: images, and what was left behind. */
export { type Engine, type EngineOptions, NoEngineError, openEngine } from "./engine.ts";
export { type ImageRequest, type ImageSource, openImageSource, type RegistryCredentials } from "./image-source.ts";
export { type LeftContainer, leftContainers, removeContainer, removeLeftContainers } from "./owner.ts";
