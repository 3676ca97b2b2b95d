//! The database servers of these tests.

use dtm_testkit::outside::{Service, running};

/// Where PostgreSQL is; `None`, after saying so, when it does not run and nobody insists.
pub(crate) fn postgres() -> Option<Service> {
    running("postgres", "POSTGRES_HOST")
}

/// Where MariaDB is; `None` as above.
pub(crate) fn mariadb() -> Option<Service> {
    running("mariadb", "MARIADB_HOST")
}
