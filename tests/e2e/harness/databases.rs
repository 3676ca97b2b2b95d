//! The business databases that scripts have started: where they are.

use dtm_testkit::outside::running;

/// The URL of MariaDB; `None`, after saying so, when it does not run.
pub(crate) fn mariadb() -> Option<String> {
    url("mariadb", "MARIADB", "mysql")
}

/// The URL of PostgreSQL; `None`, after saying so, when it does not run.
pub(crate) fn postgres() -> Option<String> {
    url("postgres", "POSTGRES", "postgres")
}

fn url(name: &'static str, prefix: &str, scheme: &str) -> Option<String> {
    let service = running(name, &format!("{prefix}_HOST"))?;
    let of = |name: &str| &service[&format!("{prefix}_{name}")];
    let (user, password, host) = (of("USER"), of("PASSWORD"), of("HOST"));
    Some(format!("{scheme}://{user}:{password}@{host}:{}/{}", of("PORT"), of("DATABASE")))
}
