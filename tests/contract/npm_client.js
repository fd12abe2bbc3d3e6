// Calls each function of the npm package airflow-api: npm_client.js URL. Prints {function: null, or what went wrong}.
const { client: Airflow } = require("airflow-api");

const airflow = new Airflow({ airflowUrl: process.argv[2], timeout: 60000 });
const DAG = "contract_hold";
const DATE = "2022-07-07T00:00:00+00:00";

// function → arguments and what its answer must be
const CALLS = [
  ["checkTest", [], (answer) => answer.status === "OK"],
  [
    "createDAGRunById",
    [DAG, { conf: '{"key": "value"}', execution_date: DATE, run_id: "npm" }],
    (answer) => answer.message.includes("Created <DagRun"),
  ],
  ["getDAGRunById", [DAG], (answer) => answer.some((run) => run.run_id === "npm")],
  ["getDAGRunByIdandDate", [DAG, DATE], (answer) => ["queued", "running", "success"].includes(answer.state)],
  ["getDAGTaskById", [DAG, "first"], (answer) => answer.task_id === "first"],
  ["getDAGTaskByDateandId", [DAG, "first", DATE], (answer) => answer.task_id === "first"],
  ["pauseDAGById", [DAG, true], (answer) => answer.response === "ok"],
  ["latestDAGRuns", [], (answer) => answer.items.some((run) => run.dag_id === DAG)],
  ["createPool", [{ name: "npm", slots: 3, description: "d" }], (answer) => answer.pool === "npm"],
  ["getAllPools", [], (answer) => answer.length === 2],
  ["getPoolByName", ["npm"], (answer) => answer.slots === 3],
  ["removePoolByName", ["npm"], (answer) => answer.pool === "npm"],
];

(async () => {
  const offered = Object.keys(airflow).filter((name) => typeof airflow[name] === "function" && !["axios", "retrieve"].includes(name));
  const told = Object.fromEntries(offered.map((name) => [name, "was not called"]));
  for (const [name, given, isRight] of CALLS) {
    try {
      const answer = await airflow[name](...given);
      told[name] = isRight(answer) ? null : JSON.stringify(answer);
    } catch (error) {
      told[name] = JSON.stringify(error) || String(error);
    }
  }
  console.log(JSON.stringify(told));
})();
