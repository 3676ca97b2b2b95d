//! A topic: whoever is interested is called, and the sender does not know who that is.
//!
//! A user signs up. The mail service wants to welcome them, the bonus service to give them something. Both subscribe the topic
//! `signed-up`; the sign-up only names the topic. Each subscriber is called until it succeeds, on its own: a mail server that
//! is down keeps nobody from their bonus.
//!
//! 1. A sign-up reaches both subscribers, although the mail service fails the first time.
//! 2. A third service subscribes. The next sign-up reaches it, too.
//!
//! `cargo run --example topic` needs nothing but Rust, and ends with exit code 0 only if that is what happened.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dtm_core::model::Seconds;
use dtm_examples::{Result, Story, play};
use dtm_server::config::StoreConfig;
use dtm_server::embedded::{BranchContext, BranchResult, Done, Embedded, local};
use tokio::sync::Notify;

#[derive(Clone)]
struct Services {
    story: Story,
    /// Who has heard of whom. A set, so that a repeated call does no harm.
    heard: Arc<Mutex<BTreeSet<String>>>,
    news: Arc<Notify>,
    mail_is_down: Arc<AtomicBool>,
}

impl Services {
    fn hear(&self, service: &str, user: &str) {
        self.story.say(service, &format!("heard of {user}"));
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("{user}: {service}"));
        self.news.notify_one();
    }

    /// Waits until the services have heard of the user, and says which ones.
    async fn heard_of(&self, user: &str, count: usize) -> Vec<String> {
        loop {
            let heard: Vec<String> = {
                let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard
                    .iter()
                    .filter_map(|it| it.strip_prefix(&format!("{user}: ")))
                    .map(str::to_owned)
                    .collect()
            };
            if heard.len() >= count {
                return heard;
            }
            self.news.notified().await;
        }
    }
}

async fn mail(services: Services, _: BranchContext, user: String) -> BranchResult {
    if services.mail_is_down.swap(false, Ordering::SeqCst) {
        services.story.say("mail", "is down: asked again soon");
        Err(std::io::Error::other("the mail server does not answer"))?;
    }
    services.hear("mail", &user);
    Ok(Done)
}

async fn bonus(services: Services, _: BranchContext, user: String) -> BranchResult {
    services.hear("bonus", &user);
    Ok(Done)
}

async fn statistics(services: Services, _: BranchContext, user: String) -> BranchResult {
    services.hear("statistics", &user);
    Ok(Done)
}

async fn sign_ups() -> Result {
    let story = Story::begin("Users sign up, and whoever is interested hears of it.");
    let services = Services {
        story,
        heard: Arc::default(),
        news: Arc::default(),
        mail_is_down: Arc::new(AtomicBool::new(true)),
    };
    let folder = tempfile::tempdir()?;
    let coordinator = Embedded::builder(StoreConfig::sled(folder.path().join("coordinator")))
        .branch_with("mail", &services, mail)
        .branch_with("bonus", &services, bonus)
        .branch_with("statistics", &services, statistics)
        .configure(|config| config.policy.retry_interval = Seconds::new(1))
        .start()
        .await?;
    let sign_up = async |user: &str| -> Result {
        story.say("user", &format!("{user} signs up"));
        let message = coordinator.message(format!("sign-up of {user}")).topic("signed-up", user);
        message.concurrent().submit().await?;
        Ok(())
    };

    story.act("1. Two services subscribe, and Alice signs up while the mail server is down");
    for service in ["mail", "bonus"] {
        coordinator.subscribe("signed-up", &local(service)).await?;
    }
    sign_up("alice").await?;
    story.check(
        "who heard of alice",
        services.heard_of("alice", 2).await,
        vec!["bonus".into(), "mail".into()],
    )?;

    story.act("2. A third service subscribes, and Bob signs up");
    coordinator.subscribe("signed-up", &local("statistics")).await?;
    sign_up("bob").await?;
    let all = vec!["bonus".into(), "mail".into(), "statistics".into()];
    story.check("who heard of bob", services.heard_of("bob", 3).await, all)?;
    Ok(coordinator.stop().await?)
}

#[tokio::main]
async fn main() -> ExitCode {
    play(sign_ups().await)
}
