"use strict";
// One object per clip keeps a time; video, playheads, readouts and rows follow it. Text is only ever set as text.

class Clip {
  constructor(element) {
    this.element = element;
    this.numbers = JSON.parse(element.querySelector("script.numbers").textContent);
    this.video = element.querySelector("video");
    this.scrub = element.querySelector(".scrub");
    this.clock = element.querySelector(".clock");
    this.heads = [...element.querySelectorAll(".playhead")];
    this.bands = [...element.querySelectorAll(".band")];
    this.rows = [...element.querySelectorAll("tr[data-seek]")];
    this.outputs = [...element.querySelectorAll("output[data-line]")].map((output) => {
      const [plot, line] = output.dataset.line.split(".").map(Number);
      return { output, values: this.numbers.plots[plot].lines[line], digits: this.numbers.plots[plot].digits };
    });
    this.shown = new Set();
    this.listen();
    this.show(0);
  }

  listen() {
    this.element.addEventListener("click", (event) => this.clicked(event));
    this.element.addEventListener("keydown", (event) => this.pressed(event));
    this.scrub.addEventListener("input", () => this.seek(Number(this.scrub.value)));
    for (const field of this.element.querySelectorAll("fieldset"))
      field.addEventListener("change", () => answer(field));
    for (const lane of this.element.querySelectorAll(".lane"))
      lane.querySelector(".bar")?.setAttribute("tabindex", "0");
    if (this.video) this.listenToVideo();
  }

  listenToVideo() {
    const video = this.video;
    const playing = () => {
      this.element.classList.toggle("playing", !video.paused);
      this.element.querySelector(".play").setAttribute("aria-label", video.paused ? "Play" : "Pause");
      if (!video.paused) this.follow();
    };
    for (const kind of ["play", "pause", "ended"]) video.addEventListener(kind, playing);
    video.addEventListener("seeked", () => video.paused || this.show(video.currentTime));
    this.element.querySelector(".rate").addEventListener("change", (event) => {
      video.playbackRate = Number(event.target.value);
    });
    // A video is unpacked when it comes near, so that a long report opens at once.
    new IntersectionObserver((entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      this.load();
    }, { rootMargin: "800px" }).observe(this.element);
  }

  load() {
    const source = this.element.querySelector("script.media");
    if (!source) return;
    const bytes = Uint8Array.from(atob(source.textContent), (character) => character.charCodeAt(0));
    source.remove();
    this.video.src = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
  }

  follow() {
    if (this.video.paused) return;
    this.show(this.video.currentTime);
    requestAnimationFrame(() => this.follow());
  }

  toggle() {
    if (!this.video) return;
    this.load();
    if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
  }

  seek(time, until = null) {
    const target = Math.min(Math.max(time, 0), this.numbers.length);
    if (this.video) {
      this.load();
      this.video.pause();
      // A hair further: a frame's own time, rounded, may fall before it.
      this.video.currentTime = target + 0.001;
    }
    this.mark(target, until ?? target);
    this.show(target);
  }

  mark(start, end) {
    for (const band of this.bands) {
      band.setAttribute("x", this.percent(start));
      band.setAttribute("width", this.percent(Math.max(0, Math.min(end, this.numbers.length) - start)));
    }
  }

  percent(time) {
    return `${(100 * time) / this.numbers.length}%`;
  }

  show(time) {
    const at = this.percent(Math.min(time, this.numbers.length));
    for (const head of this.heads) {
      head.setAttribute("x1", at);
      head.setAttribute("x2", at);
    }
    this.scrub.value = time;
    this.clock.textContent = `${time.toFixed(2)} s`;
    const sample = this.sample(time);
    for (const { output, values, digits } of this.outputs) {
      const value = values[sample] ?? null;
      output.textContent = value === null ? "unknown" : value.toFixed(digits);
    }
    for (const row of this.rows)
      row.classList.toggle("now", Number(row.dataset.seek) <= time && time <= Number(row.dataset.until));
  }

  sample(time) {
    const times = this.numbers.times;
    let low = 0;
    let high = times.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle;
      else high = middle;
    }
    return time - times[low] <= times[high] - time ? low : high;
  }

  clicked(event) {
    const chip = event.target.closest("[data-filter]");
    if (chip) return this.filter(chip);
    if (event.target.closest(".play, video")) return this.toggle();
    const target = event.target.closest("[data-seek]");
    if (target) return this.seek(Number(target.dataset.seek), Number(target.dataset.until));
    const chart = event.target.closest("svg.chart");
    if (!chart) return;
    const box = chart.getBoundingClientRect();
    this.seek(((event.clientX - box.left) / box.width) * this.numbers.length);
  }

  pressed(event) {
    const target = event.target;
    if ((event.key === "Enter" || event.key === " ") && target.matches(".claim[data-seek], .bar")) {
      event.preventDefault();
      this.seek(Number(target.dataset.seek), Number(target.dataset.until));
    }
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step && target.matches(".bar")) {
      event.preventDefault();
      const bars = [...target.closest(".chart").querySelectorAll(".bar")];
      const next = bars[bars.indexOf(target) + step];
      if (!next) return;
      target.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    }
  }

  filter(chip) {
    const id = chip.dataset.filter;
    if (!this.shown.delete(id)) this.shown.add(id);
    chip.setAttribute("aria-pressed", String(this.shown.has(id)));
    for (const item of this.element.querySelectorAll("[data-subject]"))
      item.classList.toggle("dim", this.shown.size > 0 && item.dataset.subject !== "all" && !this.shown.has(item.dataset.subject));
  }
}

function answer(field) {
  const right = Number(field.dataset.answer);
  const chosen = Number(field.querySelector("input:checked").value);
  field.querySelectorAll("label").forEach((label, index) => {
    label.classList.toggle("right", index === right);
    label.classList.toggle("wrong", index === chosen && index !== right);
  });
  const result = field.querySelector(".result");
  result.className = `result ${chosen === right}`;
  result.textContent = chosen === right ? "✓ Right" : `✗ No, it is ${"ABCDEFGH"[right]}`;
  field.querySelector("details").open = true;
}

const tip = document.getElementById("tip");

function tell(target) {
  tip.textContent = target.dataset.why;
  tip.hidden = false;
  const box = target.getClientRects()[0];
  const left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 12);
  tip.style.left = `${Math.max(12, left) + scrollX}px`;
  tip.style.top = `${target.getBoundingClientRect().bottom + scrollY + 6}px`;
}

for (const kind of ["pointerover", "focusin"])
  document.addEventListener(kind, (event) => {
    const target = event.target.closest?.("[data-why]");
    if (target) tell(target);
    else tip.hidden = true;
  });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") tip.hidden = true;
});

document.querySelectorAll("article.clip").forEach((element) => new Clip(element));
