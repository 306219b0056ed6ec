/** Front door of src/metering: busy time of instances, as the bill counts it. */
export { BusyMeter, type MeteredInstance } from "./busy-meter.ts";
export { MeterBook } from "./meter-book.ts";
