/** Log lines of a day on which something went wrong. */
const lines = [
  ["12:04:31.220", "helm", "INFO", "GET /helm/ 200 in 14 ms"],
  ["12:04:30.871", "core", "DEBUG", "session 5Qn0 resolved, token has 41 minutes left"],
  ["12:04:29.102", "nexus", "WARNING", "codex answered after 2004 ms; the limit is 2000"],
  [
    "12:04:28.940",
    "codex",
    "ERROR",
    "sync of companies failed: HTTPSConnectionPool(host='psa.example.net', port=443): Max retries exceeded with url: /api/v2/companies?page=7&per_page=100",
  ],
  ["12:04:12.004", "core", "CRITICAL", "database hive_core does not answer"],
] as const;

const services = [
  ["core", "running", "healthy", "5000", "84.1", "2 d 4 h"],
  ["nexus", "running", "healthy", "8000", "96.7", "2 d 4 h"],
  ["codex", "running", "degraded", "5010", "141.9", "31 min"],
  ["beacon", "stopped", "unreachable", "5001", "", ""],
] as const;

const statusOf: Readonly<Record<string, string>> = {
  running: "success",
  healthy: "success",
  degraded: "warning",
  stopped: "danger",
  unreachable: "danger",
};

const badge = (text: string): string =>
  `<span class="badge badge--dot badge--${statusOf[text] ?? "info"}">${text}</span>`;

/** A page as an unmodified service writes it, with every component that services use. */
export const samplePage = `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="UTF-8">
  <meta name="viewport" content="width=device-width, initial-scale=1.0">
  <title>Services</title>
</head>
<body>
<main role="main">
  <div class="page-header">
    <div class="page-header__content">
      <h1 class="page-header__title">Services</h1>
      <p class="page-header__description">State of the platform and its last log lines</p>
    </div>
    <div class="page-header__actions">
      <button class="btn"><span class="btn__label">Refresh</span></button>
      <button class="btn btn--primary"><span class="btn__label">Restart all</span></button>
    </div>
  </div>
  <div class="alert alert--warning"><strong>Beacon is stopped.</strong> It ended three times within a minute.</div>
  <div class="stats-grid">
    <div class="stat-card"><span class="stat-card__label">Running</span><p class="stat-card__value">3 of 4</p><p class="stat-card__meta">since 2 days</p></div>
    <div class="stat-card"><span class="stat-card__label">Requests</span><p class="stat-card__value">18,204</p><p class="stat-card__meta">in the last hour</p></div>
    <div class="stat-card"><span class="stat-card__label">Errors</span><p class="stat-card__value u-text-danger">12</p><p class="stat-card__meta">in the last hour</p></div>
    <a class="dashboard-card" href="#"><span class="dashboard-card__content"><span class="dashboard-card__title">Memory</span><span class="dashboard-card__count">322 MB</span></span></a>
  </div>
  <div class="card">
    <div class="card__header"><h2 class="card__title">State</h2><div class="card__header-actions"><button class="btn btn--small">Export</button></div></div>
    <div class="card__body"><div class="table-wrapper"><table class="data-table">
      <thead><tr><th class="sort-asc">Service</th><th>Status</th><th>Health</th><th class="data-table__number">Port</th><th class="data-table__number">Memory, MB</th><th>Up</th><th>Actions</th></tr></thead>
      <tbody>${services
        .map(
          ([name, status, health, port, memory, up]) =>
            `<tr><td><a href="#"><strong>${name}</strong></a></td><td>${badge(status)}</td><td>${badge(health)}</td><td class="data-table__number">${port}</td><td class="data-table__number">${memory}</td><td class="u-text-muted u-nowrap">${up}</td><td><button class="btn btn--small">Restart</button></td></tr>`,
        )
        .join("")}</tbody>
    </table></div></div>
  </div>
  <div class="card">
    <div class="card__header"><h2 class="card__title">Log</h2><span class="logs-status"><span class="status-dot live"></span>Live</span></div>
    <div class="card__body"><table class="data-table data-table--logs">
      <thead><tr><th>Time</th><th>Service</th><th>Level</th><th>Message</th></tr></thead>
      <tbody>${lines
        .map(
          ([time, service, level, message]) =>
            `<tr><td class="log-time">${time}</td><td class="log-service">${service}</td><td><span class="log-level ${level}">${level}</span></td><td class="log-message">${message}</td></tr>`,
        )
        .join("")}</tbody>
    </table></div>
  </div>
  <div class="card">
    <div class="card__header"><h2 class="card__title">Settings</h2></div>
    <div class="card__body">
      <form>
        <div class="form-grid">
          <div class="form-group"><label class="form-group__label" for="name">Name</label><input class="form-group__input" id="name" type="text" value="HiveMatrix"><p class="form-group__help">Shown in the title of every page.</p></div>
          <div class="form-group"><label class="form-group__label" for="level">Log level</label><select class="form-group__select" id="level"><option>INFO</option></select></div>
          <div class="form-group"><label class="form-group__label" for="mail">E-mail</label><input class="form-group__input" id="mail" type="email" placeholder="ops@example.net"></div>
        </div>
        <div class="form-group form-group__checkbox-wrapper"><input type="checkbox" id="notify" class="form-group__checkbox" checked><label class="form-group__checkbox-label" for="notify">Send a message when a service stops</label></div>
        <div class="btn-group"><button class="btn btn--primary">Save</button><button class="btn">Cancel</button><button class="btn btn--danger">Delete</button><button class="btn btn--warning">Pause</button><button class="btn btn--secondary">Copy</button><button class="btn btn--outline">More</button><button class="btn" disabled>Not now</button></div>
      </form>
    </div>
  </div>
  <div class="card">
    <div class="card__header card__header--danger"><h2 class="card__title">Messages</h2></div>
    <div class="card__body">
      <div class="alert alert--success">Saved. <a href="#">See the change</a>.</div>
      <div class="alert alert--error"><strong>Not saved.</strong> The name is taken.</div>
      <div class="alert alert--info">A new version is there.</div>
      <p><span class="badge">plain</span> <span class="badge badge--info">info</span> <span class="badge badge--success">success</span> <span class="badge badge--warning">warning</span> <span class="badge badge--danger">danger</span> <span class="badge badge--gold">gold</span> <span class="badge badge--platinum">platinum</span> <span class="priority-badge priority-badge--urgent">urgent</span></p>
      <div class="tabs"><button class="tab tab--active">Overview</button><button class="tab">Members</button><button class="tab">History</button></div>
      <p class="u-text-muted">A muted sentence with <code>inline code</code> and <a href="#">a link</a>.</p>
      <pre><code>$ hive logs --follow --level WARNING</code></pre>
      <p class="empty-state">Nothing here yet.</p>
    </div>
  </div>
  <footer class="version-footer"><span class="version-footer__text">helm v0.1.0</span></footer>
</main>
</body>
</html>
`;
