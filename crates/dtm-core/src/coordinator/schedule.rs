//! Time-outs, intervals and back-off: decided here, waited for elsewhere.

use crate::model::{Mode, Options, Seconds, Timestamp, Transaction};

/// The settings of the server that decisions depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// First interval between tries.
    pub retry_interval: Seconds,
    /// The interval stops growing here (decision 6). An own, longer first interval is kept.
    pub retry_interval_max: Seconds,
    /// How long a TCC, XA or message may stay prepared.
    pub timeout_to_fail: Seconds,
    /// How long one call to a branch may take.
    pub request_timeout: Seconds,
    /// Failing passes in a row from which on an alert is sent.
    pub alert_retry_limit: u32,
    /// Whether "step k succeeded" may ride on the next write.
    pub defer_progress: bool,
    /// Calls of one transaction that may be out at the same time.
    pub calls_in_flight_max: usize,
    /// The longest `rollback_reason` in bytes; longer ones are cut, so that they never block a roll-back.
    pub reason_bytes_max: usize,
    /// What a request may ask for at most.
    pub limits: Limits,
}

/// What a request may ask for at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Steps or registered branches of one transaction.
    pub branches_max: usize,
    /// Entries of `orders` altogether.
    pub order_entries_max: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            retry_interval: Seconds::new(10),
            retry_interval_max: Seconds::new(300),
            timeout_to_fail: Seconds::new(35),
            request_timeout: Seconds::new(3),
            alert_retry_limit: 3,
            defer_progress: true,
            calls_in_flight_max: 128,
            reason_bytes_max: 4_096,
            limits: Limits { branches_max: 10_000, order_entries_max: 100_000 },
        }
    }
}

impl Policy {
    /// The first interval between tries (behaviour 107).
    #[must_use]
    pub fn base_interval(&self, options: &Options) -> Seconds {
        match (chosen(options.retry_interval), chosen(options.timeout_to_fail)) {
            (Some(own), _) => own,
            (None, Some(timeout)) if timeout < self.retry_interval => timeout,
            (None, _) => self.retry_interval,
        }
    }

    /// The interval after a failing pass (decision 6).
    #[must_use]
    pub fn backed_off(&self, present: Seconds, base: Seconds) -> Seconds {
        present.doubled().min(self.retry_interval_max.max(base))
    }

    /// How long one call of this transaction may take.
    #[must_use]
    pub fn request_timeout(&self, options: &Options) -> Seconds {
        chosen(options.request_timeout).unwrap_or(self.request_timeout)
    }

    /// When the time-out of the transaction strikes, and after how many seconds of age. `None`: never.
    #[must_use]
    pub fn deadline(&self, transaction: &Transaction) -> Option<(Timestamp, Seconds)> {
        let own = chosen(transaction.options().timeout_to_fail);
        let span = match transaction.mode() {
            Mode::Saga => own,
            Mode::Tcc | Mode::Xa | Mode::Message => Some(own.unwrap_or(self.timeout_to_fail)),
            Mode::Workflow => None,
        };
        span.map(|span| (transaction.definition.created_at.plus(span), span))
    }
}

/// On the wire zero seconds mean "as the server is configured", as if nothing was sent (behaviour 69).
fn chosen(span: Option<Seconds>) -> Option<Seconds> {
    span.filter(|span| span.get() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_doubles_up_to_the_limit_and_never_below_the_base() {
        // decision 6, defect S6
        let policy = Policy::default();
        let base = Seconds::new(10);
        assert_eq!(policy.backed_off(Seconds::new(150), base), Seconds::new(300));
        assert_eq!(policy.backed_off(Seconds::new(200), base), Seconds::new(300));
        assert_eq!(policy.backed_off(Seconds::new(600), Seconds::new(600)), Seconds::new(600));
    }

    #[test]
    fn a_short_time_out_becomes_the_first_interval_unless_the_client_chose_one() {
        // behaviour 71, 107
        let policy = Policy::default();
        let timeout = |t| Options { timeout_to_fail: Some(Seconds::new(t)), ..Options::default() };
        assert_eq!(policy.base_interval(&timeout(3)), Seconds::new(3));
        assert_eq!(policy.base_interval(&timeout(30)), Seconds::new(10));
        let both = Options { retry_interval: Some(Seconds::new(7)), ..timeout(3) };
        assert_eq!(policy.base_interval(&both), Seconds::new(7));
    }
}
