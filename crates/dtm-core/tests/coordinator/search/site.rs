//! A branch service with its barrier: what took effect there.

/// What a service is asked to do, whatever the mode calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Action, try, prepare.
    Forward,
    /// Confirm, commit.
    Finish,
    /// Compensate, cancel, roll back.
    Back,
}

/// One branch service. Its barrier remembers what it was asked, in the same transaction as the effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Site {
    forward_row: bool,
    finish_row: bool,
    back_row: bool,
    /// How often going forward took effect.
    pub(crate) forward: u8,
    /// How often finishing took effect.
    pub(crate) finished: u8,
    /// How often going back took effect.
    pub(crate) back: u8,
    /// Whether the coordinator has ever called it to go forward.
    pub(crate) asked_forward: bool,
    /// Whether the coordinator has ever called it to finish.
    pub(crate) asked_finish: bool,
    /// Whether the coordinator has ever called it to go back.
    pub(crate) asked_back: bool,
}

impl Site {
    /// A call arrives. The barrier lets each phase take effect once, and no forward after a back.
    pub(crate) const fn arrive(&mut self, phase: Phase) {
        match phase {
            Phase::Forward => {
                if !self.forward_row {
                    self.forward_row = true;
                    self.forward += 1;
                }
            }
            Phase::Finish => {
                if !self.finish_row {
                    self.finish_row = true;
                    self.finished += 1;
                }
            }
            Phase::Back => {
                if !self.back_row {
                    self.back_row = true;
                    if self.forward_row {
                        self.back += 1;
                    }
                    self.forward_row = true; // a forward that is late finds its place taken
                }
            }
        }
    }

    pub(crate) const fn ask(&mut self, phase: Phase) {
        match phase {
            Phase::Forward => self.asked_forward = true,
            Phase::Finish => self.asked_finish = true,
            Phase::Back => self.asked_back = true,
        }
    }

    /// Whether it has been reached by a call to go back.
    pub(crate) const fn went_back(&self) -> bool {
        self.back_row
    }

    /// Whether it may still refuse to go forward: not once it has done it, or was told to undo it.
    pub(crate) const fn may_refuse(&self) -> bool {
        !self.forward_row
    }

    /// For the comparison of worlds.
    pub(crate) const fn bits(&self) -> [u8; 4] {
        let rows = self.forward_row as u8 | (self.finish_row as u8) << 1 | (self.back_row as u8) << 2;
        let asked = self.asked_forward as u8 | (self.asked_finish as u8) << 1 | (self.asked_back as u8) << 2;
        [rows | asked << 3, self.forward, self.finished, self.back]
    }
}
