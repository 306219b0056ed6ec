import { readFileSync } from "node:fs";
import { contains, distanceMetres, samePlace } from "./geometry.js";

const features = JSON.parse(readFileSync(new URL("features.json", import.meta.url), "utf8"));

/** The four methods. They keep nothing between calls: the next one may reach another instance. */
export const greeter = {
  SayHello(call, callback) {
    console.log(`SayHello name=${JSON.stringify(call.request.name)}`);
    callback(null, { message: `Hello ${call.request.name}` });
  },

  ListFeatures(call) {
    for (const feature of features) {
      if (contains(call.request, feature.location)) call.write(feature);
    }
    call.end();
  },

  RecordRoute(call, callback) {
    const startedAt = Date.now();
    const summary = { point_count: 0, feature_count: 0, distance: 0, elapsed_time: 0 };
    let lengthMetres = 0;
    let previous;
    call.on("data", (point) => {
      summary.point_count += 1;
      if (features.some((feature) => samePlace(feature.location, point))) summary.feature_count += 1;
      if (previous) lengthMetres += distanceMetres(previous, point);
      previous = point;
    });
    call.on("end", () => {
      summary.distance = Math.floor(lengthMetres);
      summary.elapsed_time = Math.floor((Date.now() - startedAt) / 1000);
      callback(null, summary);
    });
  },

  RouteChat(call) {
    const notes = [];
    call.on("data", (note) => {
      for (const earlier of notes) {
        if (samePlace(earlier.location, note.location)) call.write(earlier);
      }
      notes.push(note);
    });
    call.on("end", () => call.end());
  },
};
