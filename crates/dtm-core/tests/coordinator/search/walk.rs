//! One random way through a world that is too large to be searched.

use proptest::prelude::TestCaseError;

use dtm_core::coordinator::Run;
use dtm_core::model::{Options, Ordering, Plan};

use super::event::{Event, Reaction};
use super::explore::check;
use super::scenario::{Try, message, prepared, saga, second_phase, submitted};
use super::world::{Budget, Setting, World};

/// What is walked through.
#[derive(Debug)]
pub(crate) enum Walk {
    Saga { steps: usize, ordering: Ordering, options: Options, most: usize },
    SecondPhase { plan: Plan, tried: Vec<bool> },
    Message { steps: usize, concurrent: bool },
}

// No forced stops: they would end most walks early, and the search has them.
const BUDGET: Budget = Budget { crashes: 3, late: 4, requests: 3, stops: 0 };
/// The events until the end when everything goes well: each branch forward and back, and some waiting.
const GOOD_EVENTS_MAX: usize = 200;

/// Follows `choices`, then the good events, to the end. All invariants hold all the way.
pub(crate) fn walk(what: &Walk, choices: &[u16]) -> Result<(), TestCaseError> {
    match what {
        Walk::Saga { steps, ordering, options, most } => {
            let mut setting = saga(*steps, ordering.clone(), options.clone());
            setting.policy.calls_in_flight_max = *most;
            go(submitted(&setting, BUDGET), choices)
        }
        Walk::SecondPhase { plan, tried } => {
            let all = tried.iter().all(|tried| *tried);
            let setting: Setting = second_phase(plan.clone(), tried.len(), all);
            let tries: Vec<Try> =
                tried.iter().map(|tried| if *tried { Try::Done } else { Try::Late }).collect();
            go(prepared(&setting, &tries, BUDGET), choices)
        }
        Walk::Message { steps, concurrent } => {
            let options = Options { concurrent: *concurrent, ..Options::default() };
            let setting = message(*steps, options);
            go(prepared(&setting, &[], BUDGET), choices)
        }
    }
}

fn go(mut world: World<'_, Run>, choices: &[u16]) -> Result<(), TestCaseError> {
    let mut way = Vec::new();
    for &choice in choices {
        let Some(event) = choose(&world, choice) else { break };
        step(&mut world, event, &mut way)?;
    }
    for _ in 0..GOOD_EVENTS_MAX {
        match world.good_event() {
            Some(event) => step(&mut world, event, &mut way)?,
            None => return Ok(()),
        }
    }
    Err(TestCaseError::fail(format!("no end is in sight after {way:#?}")))
}

fn step(world: &mut World<'_, Run>, event: Event, way: &mut Vec<Event>) -> Result<(), TestCaseError> {
    let mut next = world.clone();
    let Ok(facts) = next.apply(&event) else { return Ok(()) };
    way.push(event);
    check(world, &facts, &next)
        .map_err(|(name, detail)| TestCaseError::fail(format!("{name}: {detail} after {way:#?}")))?;
    *world = next;
    Ok(())
}

/// One of the events that can happen; in one of sixteen choices a crash.
fn choose(world: &World<'_, Run>, choice: u16) -> Option<Event> {
    if choice.is_multiple_of(16) && world.may_crash() {
        let mut late = world.budget.late;
        let fates = (0..).zip(world.run.in_flight().calls()).map(|(number, _)| {
            match choice.rotate_left(number) % 3 {
                0 => Reaction::Lost,
                1 if late > 0 => {
                    late -= 1;
                    Reaction::Late
                }
                _ => Reaction::Applied,
            }
        });
        return Some(Event::Crash(fates.collect()));
    }
    let events = world.events_without_crash();
    let at = usize::from(choice).checked_rem(events.len())?;
    events.into_iter().nth(at)
}
