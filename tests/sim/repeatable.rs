//! The same seed gives the same run.

use crate::run::run;

#[test]
fn the_same_seed_twice_gives_the_same_trace() {
    for seed in 1_000..1_010 {
        let (first, second) = (run(seed, None), run(seed, None));
        for (line, (a, b)) in first.entries.iter().zip(&second.entries).enumerate() {
            assert_eq!(a, b, "seed {seed}, line {line}");
        }
        assert_eq!(first.entries.len(), second.entries.len(), "seed {seed}");
        assert_eq!(first.stored, second.stored, "seed {seed}");
    }
}

#[test]
fn different_seeds_give_different_traces() {
    assert_ne!(run(1, None).trace(), run(2, None).trace());
}
