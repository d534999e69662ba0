/* /send with a script: files may be dropped, go in pieces by the tus protocol, and go on where they were cut. Without it the form sends them whole. */
(function () {
  "use strict";
  const form = document.getElementById("send");
  if (!form || !window.tus || !window.tus.isSupported) return;
  const words = form.dataset;
  const input = form.querySelector("#files");
  const list = form.querySelector("#chosen");
  const told = form.querySelector("#told");
  const pause = form.querySelector("#pause");
  const button = form.querySelector("button:not([type])");
  const largest = Number(words.largest);
  let going = [];
  let paused = false;

  function say(text, bad) {
    told.textContent = text;
    told.className = bad ? "trouble" : "quiet";
  }

  function size(bytes) {
    const units = ["B", "kB", "MB", "GB"];
    let at = 0;
    while (bytes >= 1000 && at < units.length - 1) { bytes /= 1000; at += 1; }
    return new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: at ? 1 : 0 }).format(bytes) + " " + units[at];
  }

  function line(file) {
    const item = document.createElement("li");
    const label = document.createElement("label");
    const name = document.createElement("bdi");
    const bar = document.createElement("progress");
    const figure = document.createElement("span");
    name.textContent = file.name;
    bar.max = file.size || 1;
    bar.value = 0;
    figure.className = "small";
    figure.textContent = " " + size(file.size);
    label.append(name, " ", bar, figure);
    item.append(label);
    list.append(item);
    return { bar: bar, figure: figure };
  }

  function show() {
    list.replaceChildren();
    const files = Array.from(input.files);
    const heavy = files.find((file) => file.size > largest);
    going = files.map((file) => ({ file: file, line: line(file) }));
    say(heavy ? words.tooLarge.replace("{name}", heavy.name) : "", Boolean(heavy));
    button.disabled = Boolean(heavy);
  }

  /* What the server said, in the reader's language, else what to do in any case. */
  function reason(error) {
    try {
      const problem = JSON.parse(error.originalResponse.getBody());
      return problem.title + ". " + problem.detail;
    } catch (_nothing) {
      return words.broken;
    }
  }

  function upload(each) {
    return new Promise(function (done, failed) {
      const task = new window.tus.Upload(each.file, {
        endpoint: "/uploads",
        chunkSize: 16 * 1024 * 1024,
        retryDelays: [0, 1000, 3000, 5000, 10000, 20000, 30000, 60000, 60000, 60000],
        metadata: { filename: each.file.name },
        removeFingerprintOnSuccess: true,
        onShouldRetry: function (error) {
          const status = error.originalResponse ? error.originalResponse.getStatus() : 0;
          if (!paused) say(words.again, false);
          return status === 0 || status === 409 || status === 423 || status >= 500 && status !== 507;
        },
        onProgress: function (sent, whole) {
          each.line.bar.value = sent;
          each.line.figure.textContent = " " + words.progress.replace("{sent}", size(sent)).replace("{whole}", size(whole));
          say(words.going, false);
        },
        onError: failed,
        onSuccess: function () { each.task = null; done(task.url.split("/").pop()); },
      });
      task.findPreviousUploads().then(function (before) {
        each.task = task;
        if (before.length) task.resumeFromPreviousUpload(before[0]);
        if (!paused) task.start();
      });
    });
  }

  input.addEventListener("change", show);
  form.addEventListener("dragover", function (event) { event.preventDefault(); form.classList.add("over"); });
  form.addEventListener("dragleave", function () { form.classList.remove("over"); });
  form.addEventListener("drop", function (event) {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files.length) { input.files = event.dataTransfer.files; show(); }
  });
  pause.addEventListener("click", function () {
    paused = !paused;
    pause.textContent = paused ? words.goOn : words.pause;
    going.forEach(function (each) { if (each.task) { if (paused) each.task.abort(); else each.task.start(); } });
    say(paused ? words.paused : words.going, false);
  });
  form.addEventListener("submit", async function (event) {
    if (!input.files.length) return;
    event.preventDefault();
    if (!going.length) show();
    button.disabled = true;
    pause.hidden = false;
    const names = [];
    try {
      for (const each of going) names.push(await upload(each));
    } catch (error) {
      say(reason(error), true);
      button.disabled = false;
      pause.hidden = true;
      return;
    }
    input.disabled = true;
    names.forEach(function (name) {
      const hidden = document.createElement("input");
      hidden.type = "hidden";
      hidden.name = "upload";
      hidden.value = name;
      form.append(hidden);
    });
    form.submit();
  });
})();
