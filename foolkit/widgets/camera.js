// The reader's camera: it looks until a picture is taken, or until it is closed.
// @ts-check

import { button, element } from "./page.js";
import { middleSquare } from "./photo_files.js";

const UNAVAILABLE = "There is no camera here that this page may use. A telephone offers its own "
  + "where you choose a file.";

// `take` gets the levels of the picture; `say` what went wrong.
/**
 * @param {{ size: number, take: (levels: Uint8Array) => void, say: (text: string) => void }} options
 */
export function camera({ size, take, say }) {
  /** @type {MediaStream | null} */
  let stream = null;
  const video = element("video", { playsinline: "", "aria-label": "What the camera sees", class: "fk-photograph" });
  video.muted = true;
  const shoot = button("Take the picture", () => {
    if (!video.videoWidth) return; // it has seen nothing yet
    const levels = middleSquare(video, video.videoWidth, video.videoHeight, size);
    close();
    take(levels);
  }, { class: "fk-main" });
  const panel = element("div", { hidden: "" }, video,
    element("div", { class: "fk-row" }, shoot, button("Close the camera", close)));
  const opener = button("Camera", async () => {
    if (stream) return;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: true });
    } catch {
      say(UNAVAILABLE); // no camera, no permission, or a page to which no browser gives one
      return;
    }
    panel.hidden = false;
    video.srcObject = stream;
    await video.play();
    shoot.focus();
  });
  function close() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    if (panel.contains(document.activeElement)) opener.focus();
    panel.hidden = true;
  }
  return { opener, panel, close };
}
