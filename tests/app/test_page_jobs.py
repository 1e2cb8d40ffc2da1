"""``jobs.js``: of several questions under one key the newest is answered, however slow the server is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from explorer.web.bundle import bundle

ASK = """async (source) => {
  const { makeJobs } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const log = { open: 0, most: 0, started: [] };
  let newest = null; // as the server does it: the last start to arrive ends the others
  const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));
  const server = {
    start_job: async ({ number }) => {
      log.most = Math.max(log.most, ++log.open);
      await wait(number === 1 ? 120 : 5); // the first one is long on its way
      newest = String(number);
      log.started.push(number);
      log.open -= 1;
      return { job: newest };
    },
    poll_job: async ({ job }) => {
      await wait(20);
      return job === newest ? { result: { job } } : { error: "", cancelled: true };
    },
    cancel_job: async () => ({}),
  };
  const jobs = makeJobs({ server });
  const ask = (number) => jobs.run("browse", { number });
  const first = ask(1);
  await wait(10); // it is on its way
  const found = await Promise.all([first, ask(2), ask(3)]);
  return { found: found.map((one) => one && one.job), ...log };
}"""


@pytest.mark.browser
def test_the_newest_question_is_answered_although_an_older_one_arrives_late(browser: Browser) -> None:
    page = browser.new_page()
    said = page.evaluate(ASK, bundle("shared/jobs.js"))
    page.close()
    assert said["found"] == [None, None, "3"]
    assert said["most"] == 1
    assert said["started"] == [1, 3]
