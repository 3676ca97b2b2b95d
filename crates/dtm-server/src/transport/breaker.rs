//! The circuit breaker of one destination, as a pure state machine.
//!
//! | state | call | ends as | then |
//! |---|---|---|---|
//! | closed | passes | answered | the row of failures is over |
//! | closed | passes | not reached, timed out | open, if it is the 16th in a row and nothing was answered for 5 s |
//! | open | refused | | half-open after 1 s, doubling to 30 s, less up to a quarter |
//! | half-open | one probe passes, the others are refused | answered | closed |
//! | half-open | | anything else | open, for longer |
//! | any | a call from before | answered | closed |
//!
//! Time-outs alone do not show that a destination is down: one branch may hang while others work. A breaker
//! that opened by a time-out therefore refuses retries only; first calls still pass, and the first of them that
//! is answered closes it. One that opened because no connection could be made refuses both.

use std::time::Duration;

use tokio::time::Instant;

use super::Contact;

/// The circuit breaker of one destination. Reads no clock and draws no random number.
#[derive(Debug, Clone, Default)]
pub struct Breaker {
    failures_in_a_row: u32,
    last_answer: Option<Instant>,
    tripped: Option<Tripped>,
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// Calls are refused.
    Open,
    /// One call at a time passes, to see whether the destination is back.
    HalfOpen,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Admission {
    /// Make it.
    Pass,
    /// Make it: it decides whether the breaker closes.
    Probe,
    /// Do not make it.
    Refused,
}

#[derive(Debug, Clone, Copy)]
struct Tripped {
    /// When the next probe may pass.
    until: Instant,
    /// How often in a row it opened.
    round: u32,
    /// Whether a probe is out.
    probing: bool,
    /// Whether connections could be made, but no answer came.
    reachable: bool,
}

impl Breaker {
    /// Failures in a row, from which on it opens.
    pub const FAILURES: u32 = 16;
    /// It does not open while the last answer is younger than this.
    pub const QUIET: Duration = Duration::from_secs(5);
    /// How long it stays open the first time.
    pub const OPEN_MIN: Duration = Duration::from_secs(1);
    /// How long it stays open at most.
    pub const OPEN_MAX: Duration = Duration::from_secs(30);

    /// Where it stands.
    #[must_use]
    pub fn state(&self, now: Instant) -> BreakerState {
        match self.tripped {
            None => BreakerState::Closed,
            Some(tripped) if now < tripped.until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Whether it remembers nothing that a new one would not know.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        self.tripped.is_none() && self.failures_in_a_row == 0
    }

    /// Whether a call would be admitted now, without admitting it.
    #[must_use]
    pub fn admits(&self, retry: bool, now: Instant) -> bool {
        self.clone().admit(retry, now) != Admission::Refused
    }

    /// Asks for a call to be made. Whoever got [`Admission::Probe`] has to [`record`](Self::record) what came
    /// of it, or to [`release`](Self::release) it.
    pub fn admit(&mut self, retry: bool, now: Instant) -> Admission {
        match &mut self.tripped {
            None => Admission::Pass,
            Some(tripped) if now >= tripped.until && !tripped.probing => {
                tripped.probing = true;
                Admission::Probe
            }
            Some(tripped) if tripped.reachable && !retry => Admission::Pass,
            Some(_) => Admission::Refused,
        }
    }

    /// A probe was given up without a result: another one may pass.
    pub const fn release(&mut self) {
        if let Some(tripped) = &mut self.tripped {
            tripped.probing = false;
        }
    }

    /// A call that was admitted as `admission` ended. `jitter`, from 0 to 1, shortens the time that the breaker
    /// stays open by up to a quarter, so that many servers do not come back at the same moment.
    pub fn record(&mut self, admission: Admission, contact: Contact, now: Instant, jitter: f64) {
        if contact == Contact::Answered {
            *self = Self { failures_in_a_row: 0, last_answer: Some(now), tripped: None };
            return;
        }
        match (self.tripped, admission) {
            (None, _) => self.count(contact, now, jitter),
            (Some(tripped), Admission::Probe) => {
                let reachable = contact != Contact::NotReached;
                self.trip(tripped.round.saturating_add(1), reachable, now, jitter);
            }
            // it was on its way before the breaker opened, and says nothing new
            (Some(_), Admission::Pass | Admission::Refused) => {}
        }
    }

    fn count(&mut self, contact: Contact, now: Instant, jitter: f64) {
        if !matches!(contact, Contact::NotReached | Contact::TimedOut) {
            return;
        }
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        let quiet = self.last_answer.is_none_or(|answer| now.duration_since(answer) >= Self::QUIET);
        if self.failures_in_a_row >= Self::FAILURES && quiet {
            self.trip(0, contact != Contact::NotReached, now, jitter);
        }
    }

    fn trip(&mut self, round: u32, reachable: bool, now: Instant, jitter: f64) {
        let open = Self::OPEN_MIN.saturating_mul(2_u32.saturating_pow(round)).min(Self::OPEN_MAX);
        let open = open.mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0));
        self.tripped = Some(Tripped { until: now + open, round, probing: false, reachable });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Contact::{Answered, Inconclusive, NotReached, TimedOut};

    /// A breaker, its clock, and short words for what happens to it.
    struct Bench {
        breaker: Breaker,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self { breaker: Breaker::default(), now: Instant::now() }
        }

        fn wait(&mut self, millis: u64) -> &mut Self {
            self.now += Duration::from_millis(millis);
            self
        }

        fn end(&mut self, contact: Contact) -> &mut Self {
            self.breaker.record(Admission::Pass, contact, self.now, 0.0);
            self
        }

        fn times(&mut self, count: u32, contact: Contact) -> &mut Self {
            (0..count).for_each(|_| {
                self.end(contact);
            });
            self
        }

        fn probe(&mut self, contact: Contact) -> &mut Self {
            assert_eq!(self.breaker.admit(true, self.now), Admission::Probe);
            self.breaker.record(Admission::Probe, contact, self.now, 0.0);
            self
        }

        fn state(&self) -> BreakerState {
            self.breaker.state(self.now)
        }
    }

    #[test]
    fn it_opens_at_the_sixteenth_failure_in_a_row_and_at_nothing_less() {
        type Row = (&'static str, &'static [(u32, Contact)], BreakerState);
        let table: [Row; 9] = [
            ("nothing happened", &[], BreakerState::Closed),
            ("15 refusals", &[(15, NotReached)], BreakerState::Closed),
            ("16 refusals", &[(16, NotReached)], BreakerState::Open),
            ("16 time-outs", &[(16, TimedOut)], BreakerState::Open),
            ("both kinds", &[(8, TimedOut), (8, NotReached)], BreakerState::Open),
            (
                "an answer in between",
                &[(15, NotReached), (1, Answered), (15, NotReached)],
                BreakerState::Closed,
            ),
            ("broken connections do not count", &[(100, Inconclusive)], BreakerState::Closed),
            (
                "nor do they end the row",
                &[(15, TimedOut), (1, Inconclusive), (1, TimedOut)],
                BreakerState::Open,
            ),
            ("answers", &[(100, Answered)], BreakerState::Closed),
        ];
        for (name, history, expected) in table {
            let mut bench = Bench::new();
            for (count, contact) in history {
                bench.times(*count, *contact);
            }
            assert_eq!(bench.state(), expected, "{name}");
        }
    }

    #[test]
    fn it_does_not_open_within_five_seconds_of_an_answer() {
        let mut bench = Bench::new();
        bench.end(Answered).wait(4_999).times(100, TimedOut);
        assert_eq!(bench.state(), BreakerState::Closed);
        bench.wait(1).end(TimedOut);
        assert_eq!(bench.state(), BreakerState::Open);
    }

    #[test]
    fn a_destination_where_some_branches_hang_and_others_answer_never_opens() {
        let mut bench = Bench::new();
        for _ in 0..1_000 {
            bench.times(100, TimedOut).wait(4_000).end(Answered);
            bench.times(15, TimedOut).wait(60_000).end(Answered);
            assert_eq!(bench.state(), BreakerState::Closed);
        }
    }

    #[test]
    fn while_open_nobody_passes_and_then_one_at_a_time() {
        let mut bench = Bench::new();
        bench.times(16, NotReached).wait(999);
        assert_eq!(bench.breaker.admit(false, bench.now), Admission::Refused);
        assert_eq!(bench.breaker.admit(true, bench.now), Admission::Refused);

        bench.wait(1);
        assert_eq!(bench.state(), BreakerState::HalfOpen);
        assert!(bench.breaker.admits(true, bench.now), "asking admits nobody");
        assert_eq!(bench.breaker.admit(true, bench.now), Admission::Probe);
        assert_eq!(bench.breaker.admit(true, bench.now), Admission::Refused);
        assert_eq!(bench.breaker.admit(false, bench.now), Admission::Refused);

        bench.breaker.release();
        assert_eq!(bench.breaker.admit(true, bench.now), Admission::Probe, "a lost probe blocks nobody");
    }

    #[test]
    fn opened_by_time_outs_it_still_lets_first_calls_pass() {
        let mut bench = Bench::new();
        bench.times(16, TimedOut);
        assert_eq!(bench.breaker.admit(true, bench.now), Admission::Refused);
        assert_eq!(bench.breaker.admit(false, bench.now), Admission::Pass);
        bench.end(TimedOut);
        assert_eq!(bench.state(), BreakerState::Open, "its failure changes nothing");
        bench.end(Answered);
        assert_eq!(bench.state(), BreakerState::Closed, "its answer closes");
    }

    #[test]
    fn an_answer_closes_and_anything_else_opens_for_twice_as_long_up_to_thirty_seconds() {
        for contact in [NotReached, TimedOut, Inconclusive] {
            let mut bench = Bench::new();
            bench.times(16, NotReached);
            for seconds in [1, 2, 4, 8, 16, 30, 30, 30] {
                bench.wait(seconds * 1_000 - 1);
                assert_eq!(bench.state(), BreakerState::Open, "{contact:?} {seconds}");
                bench.wait(1).probe(contact);
            }
        }
        let mut bench = Bench::new();
        bench.times(16, NotReached).wait(1_000).probe(TimedOut).wait(2_000).probe(Answered);
        assert_eq!(bench.state(), BreakerState::Closed);
        bench.times(15, NotReached).wait(10_000);
        assert_eq!(bench.state(), BreakerState::Closed, "the row begins again");
        bench.end(NotReached).wait(1_000);
        assert_eq!(bench.state(), BreakerState::HalfOpen, "and so does the doubling");
    }

    #[test]
    fn late_results_of_earlier_calls_do_not_prolong_it_but_a_late_answer_closes_it() {
        let mut bench = Bench::new();
        bench.times(16, NotReached).wait(900).times(100, NotReached).wait(100);
        assert_eq!(bench.state(), BreakerState::HalfOpen);
        assert_eq!(bench.breaker.admit(true, bench.now), Admission::Probe);
        bench.end(TimedOut);
        assert_eq!(bench.breaker.admit(true, bench.now), Admission::Refused, "the probe is still out");
        bench.end(Answered);
        assert_eq!(bench.state(), BreakerState::Closed);
    }

    #[test]
    fn jitter_shortens_by_a_quarter_at_most() {
        for (jitter, millis) in [(0.0, 1_000), (0.5, 875), (1.0, 750), (7.0, 750)] {
            let mut bench = Bench::new();
            (0..16).for_each(|_| bench.breaker.record(Admission::Pass, NotReached, bench.now, jitter));
            bench.wait(millis - 1);
            assert_eq!(bench.state(), BreakerState::Open, "{jitter}");
            bench.wait(1);
            assert_eq!(bench.state(), BreakerState::HalfOpen, "{jitter}");
        }
    }
}
