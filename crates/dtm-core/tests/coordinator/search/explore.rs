//! Breadth first through all worlds that can be reached.

#![expect(clippy::disallowed_types, reason = "the visited worlds are looked up and never listed")]

use std::collections::{HashMap, VecDeque};

use super::drive::Drive;
use super::event::Event;
use super::invariants::{self, Fact};
use super::world::World;

/// What a search found.
#[derive(Debug)]
pub(crate) struct Explored {
    /// How many different worlds can be reached.
    pub(crate) worlds: usize,
    /// How many of them are an end.
    pub(crate) ends: usize,
}

/// A way to a world that must not exist.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) invariant: &'static str,
    pub(crate) detail: String,
    pub(crate) way: Vec<Event>,
}

/// How many good events may pass until the end.
const LIVENESS_BOUND: usize = 64;

struct Visited {
    came_from: Option<(usize, Event)>,
    is_end: bool,
    /// Where the good event leads.
    good: Option<usize>,
}

/// Visits every world that can be reached from `start`.
pub(crate) fn explore<D: Drive>(start: World<'_, D>, limit: usize) -> Result<Explored, Violation> {
    let mut search = Search { numbers: HashMap::new(), visited: Vec::new(), queue: VecDeque::new() };
    search.visit(start, None);
    while let Some((number, world)) = search.queue.pop_front() {
        assert!(search.visited.len() < limit, "more than {limit} worlds: make the scenario smaller");
        search.expand(number, &world)?;
    }
    search.check_liveness()?;
    let ends = search.visited.iter().filter(|visited| visited.is_end).count();
    Ok(Explored { worlds: search.visited.len(), ends })
}

struct Search<'s, D> {
    numbers: HashMap<Box<[u8]>, usize>,
    visited: Vec<Visited>,
    queue: VecDeque<(usize, World<'s, D>)>,
}

impl<'s, D: Drive> Search<'s, D> {
    fn visit(&mut self, world: World<'s, D>, came_from: Option<(usize, Event)>) -> usize {
        let next = self.visited.len();
        let number = *self.numbers.entry(world.key()).or_insert(next);
        if number == next {
            self.visited.push(Visited { came_from, is_end: world.status().is_final(), good: None });
            self.queue.push_back((number, world));
        }
        number
    }

    fn expand(&mut self, number: usize, world: &World<'s, D>) -> Result<(), Violation> {
        let good = world.good_event();
        for event in world.events() {
            let mut next = world.clone();
            // An input that is refused changes nothing: see `a_refused_input_changes_nothing`.
            let Ok(facts) = next.apply(&event) else { continue };
            if let Err((invariant, detail)) = check(world, &facts, &next) {
                return Err(self.violation(number, Some(event), invariant, detail));
            }
            let is_good = good.as_ref() == Some(&event);
            let successor = self.visit(next, Some((number, event)));
            if is_good {
                self.visited[number].good = Some(successor);
            }
        }
        Ok(())
    }

    /// When everything goes well from now on, each world comes to an end.
    fn check_liveness(&self) -> Result<(), Violation> {
        let mut known = vec![false; self.visited.len()];
        for start in 0..self.visited.len() {
            let (mut at, mut way) = (start, Vec::new());
            while !known[at] && !self.visited[at].is_end {
                way.push(at);
                match self.visited[at].good {
                    Some(next) if way.len() <= LIVENESS_BOUND => at = next,
                    Some(_) => return Err(self.stuck(start, "no end is in sight")),
                    None => return Err(self.stuck(at, "nothing good can happen")),
                }
            }
            for number in way {
                known[number] = true;
            }
        }
        Ok(())
    }

    fn stuck(&self, number: usize, detail: &str) -> Violation {
        self.violation(number, None, "liveness", detail.to_owned())
    }

    fn violation(
        &self,
        number: usize,
        last: Option<Event>,
        invariant: &'static str,
        detail: String,
    ) -> Violation {
        let mut way: Vec<Event> = last.into_iter().collect();
        let mut at = number;
        while let Some((before, event)) = &self.visited[at].came_from {
            way.push(event.clone());
            at = *before;
        }
        way.reverse();
        Violation { invariant, detail, way }
    }
}

/// Checks all invariants on one transition.
pub(crate) fn check<D: Drive>(
    before: &World<'_, D>,
    facts: &[Fact],
    after: &World<'_, D>,
) -> Result<(), (&'static str, String)> {
    let (before, after) = (before.view(), after.view());
    for (name, holds) in invariants::ALL {
        holds(&before, facts, &after).map_err(|detail| (name, detail))?;
    }
    Ok(())
}
