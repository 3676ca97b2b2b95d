//! The sources on top of each other, and the checks that need several settings.

use std::collections::BTreeMap;

use super::error::{ConfigError, Problem};
use super::{Config, Environment, Flags, Origin, Setting, StoreDriver, TlsMode, settings, sources, yaml};

/// A configuration, and where its values come from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The values, for whoever needs them.
    pub config: Config,
    given: BTreeMap<&'static str, Given>,
}

/// The value of a setting that was given somewhere.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) setting: &'static Setting,
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// Puts defaults, file, environment and flags on top of each other.
///
/// # Errors
/// [`ConfigError`] with everything that is wrong, also with values that a later source overrides.
pub fn load(flags: &Flags, environment: &dyn Environment) -> Result<Loaded, ConfigError> {
    let mut problems = Vec::new();
    let mut layers = Vec::new();
    if let Some(path) = &flags.file {
        let file = path.display().to_string();
        let content = yaml::read(&file, &sources::file(path)?);
        problems.extend(content.problems);
        layers.extend(content.entries.into_iter().map(|entry| Given {
            setting: entry.setting,
            text: entry.text,
            origin: Origin::File { file: file.clone(), line: entry.line },
        }));
    }
    for setting in settings::all() {
        match from_environment(setting, environment) {
            Ok(given) => layers.extend(given),
            Err(problem) => problems.push(problem),
        }
    }
    layers.extend(flags.settings.iter().map(|(setting, text, flag)| Given {
        setting,
        text: text.clone(),
        origin: Origin::Flag(flag.clone()),
    }));
    let mut loaded = Loaded { config: Config::default(), given: BTreeMap::new() };
    for given in layers {
        match given.setting.apply(&mut loaded.config, &given.text) {
            Ok(()) => {
                loaded.given.insert(given.setting.path, given);
            }
            Err(why) => problems.push(given.refused(why)),
        }
    }
    loaded.settle();
    if problems.is_empty() {
        loaded.check(&mut problems);
    }
    if problems.is_empty() { Ok(loaded) } else { Err(ConfigError { problems }) }
}

impl Loaded {
    /// What the operator should know although the server starts: settings without effect, old names.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(driver) = self.given("Store.Driver").filter(|given| given.text == "boltdb") {
            notes.push(format!(
                "{}: Store.Driver = boltdb means sled here: transactions are kept in {}, files of DTM are not read",
                driver.origin,
                self.config.store.path.display(),
            ));
        }
        let unused: Vec<String> = self
            .given
            .values()
            .filter_map(|given| {
                let why = given.setting.unused.or_else(|| self.of_another_store(given.setting))?;
                Some(format!("{} ({}: {why})", given.setting.path, given.origin))
            })
            .collect();
        if !unused.is_empty() {
            notes.push(format!("settings without effect: {}", unused.join(", ")));
        }
        if let Some(given) = self.given("TransCronInterval").filter(|_| self.looks_more_often()) {
            notes.push(format!(
                "{}: TransCronInterval = {} is longer than a sixth of NodeTimeout: a store that servers share is looked at \
                 every {:?}",
                given.origin,
                given.text,
                self.config.longest_pause_between_looks(),
            ));
        }
        notes
    }

    fn looks_more_often(&self) -> bool {
        self.config.longest_pause_between_looks() < self.config.runner.poll_interval
    }

    /// Why a setting of the store says nothing to the store that was chosen.
    fn of_another_store(&self, setting: &Setting) -> Option<&'static str> {
        let (driver, redis) = (self.config.store.driver, &self.config.store.database.redis);
        let is_redis = driver == StoreDriver::Redis;
        let (without_effect, why) = match setting.path {
            _ if driver == StoreDriver::Sled => (setting.of_databases, "the store is embedded"),
            "Store.Path" => (true, "only the embedded store has a folder"),
            "Store.Schema" => (driver != StoreDriver::Postgres, "only PostgreSQL has schemas"),
            "Store.Db" => (is_redis, "the transactions are in database 0 of Redis, under Store.RedisPrefix"),
            "Store.ConnMaxLifeTime" => (is_redis, "a connection to Redis is used as long as it works"),
            "Store.RedisPrefix" | "Store.RedisWaitReplicas" => (!is_redis, "the store is not Redis"),
            "Store.RedisWaitTimeout" if is_redis => {
                (redis.replicas.is_none(), "no replica is waited for, see Store.RedisWaitReplicas")
            }
            "Store.RedisWaitTimeout" => (true, "the store is not Redis"),
            _ => (false, ""),
        };
        without_effect.then_some(why)
    }

    pub(super) fn given(&self, path: &str) -> Option<&Given> {
        self.given.get(path)
    }

    /// What depends on whether another setting was given.
    fn settle(&mut self) {
        if self.given("Store.DataExpire").is_some() && self.given("Store.FinishedDataExpire").is_none() {
            self.config.store.finished_data_expire = self.config.store.data_expire;
        }
    }

    /// Checks what is clear only once it is known which source wins.
    fn check(&self, problems: &mut Vec<Problem>) {
        if let Some(driver) = self.given("Store.Driver") {
            self.check_store(driver, problems);
        }
        let policy = &self.config.policy;
        if policy.timeout_to_fail < policy.retry_interval {
            problems.push(Problem::TimeoutBelowInterval {
                timeout: policy.timeout_to_fail.get(),
                timeout_origin: self.origin("TimeoutToFail"),
                interval: policy.retry_interval.get(),
                interval_origin: self.origin("RetryInterval"),
            });
        }
    }

    fn check_store(&self, driver: &Given, problems: &mut Vec<Problem>) {
        let needs: &[(&str, &str)] = match &*driver.text {
            "sled" | "boltdb" => &[],
            "redis" => &[("Store.Host", &self.config.store.database.host)],
            "mysql" | "postgres" => &[
                ("Store.Host", &self.config.store.database.host),
                ("Store.User", &self.config.store.database.user),
            ],
            _ => {
                let (origin, driver) = (driver.origin.clone(), driver.text.clone());
                problems.push(Problem::NoSuchStore { origin, driver });
                return;
            }
        };
        self.check_driver(problems);
        let missing = needs.iter().filter(|(_, value)| value.is_empty());
        problems.extend(missing.map(|&(path, _)| Problem::StoreNeeds {
            origin: driver.origin.clone(),
            driver: driver.text.clone(),
            path,
        }));
    }

    /// Values that only some of the databases can have.
    fn check_driver(&self, problems: &mut Vec<Problem>) {
        let database = &self.config.store.database;
        let is_redis = self.config.store.driver == StoreDriver::Redis;
        let mut refuse = |path: &str, wrong: bool, why: &str| {
            problems.extend(self.given(path).filter(|_| wrong).map(|given| given.refused(why.to_owned())));
        };
        refuse("Store.Host", !is_redis && database.host.contains(','), "only Redis has several");
        let unverified = matches!(database.tls, TlsMode::Require | TlsMode::VerifyAuthority);
        refuse("Store.Tls", is_redis && unverified, "with Redis it may be off or verify-full");
        let authorities = is_redis && database.tls_authorities.is_some();
        refuse("Store.TlsCa", authorities, "with Redis the authorities of the system count");
        let verified = matches!(database.tls, TlsMode::VerifyAuthority | TlsMode::VerifyHost);
        let unasked = !is_redis && database.tls_authorities.is_some() && !verified;
        refuse(
            "Store.TlsCa",
            unasked,
            "nothing is checked with it unless Store.Tls is verify-ca or verify-full",
        );
    }

    fn origin(&self, path: &str) -> String {
        self.given(path).map_or_else(|| "default".to_owned(), |given| given.origin.to_string())
    }
}

impl Given {
    fn refused(&self, why: String) -> Problem {
        let value = if self.setting.secret { "(not shown)".to_owned() } else { format!("'{}'", self.text) };
        let services = matches!(self.origin, Origin::Environment(_)) && self.text.starts_with("tcp://");
        let why = if services {
            format!(
                "{why} (Kubernetes sets such variables for its services: set enableServiceLinks to false)"
            )
        } else {
            why
        };
        Problem::BadValue {
            origin: self.origin.clone(),
            path: self.setting.path,
            value,
            why,
            allowed: self.setting.allowed(),
        }
    }
}

/// An empty variable counts as absent, as in DTM.
fn from_environment(
    setting: &'static Setting,
    environment: &dyn Environment,
) -> Result<Option<Given>, Problem> {
    let name = setting.environment_name();
    let Some(value) = environment.variable(&name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let origin = Origin::Environment(name);
    match value.into_string() {
        Ok(text) => Ok(Some(Given { setting, text, origin })),
        Err(_) => Err(Problem::BadValue {
            origin,
            path: setting.path,
            value: "(bytes)".to_owned(),
            why: "this is not UTF-8 text".to_owned(),
            allowed: setting.allowed(),
        }),
    }
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = if self.setting.secret { "***" } else { &self.text };
        f.debug_struct("Given").field("path", &self.setting.path).field("text", &text).finish_non_exhaustive()
    }
}
