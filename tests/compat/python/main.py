"""Runs the unmodified Python SDK dtmcli 1.7.7.0 against our server. See ../README.md."""

import sys
import unittest

import branches


class OneLineEach(unittest.TextTestResult):
    """Prints `test NAME ... RESULT` for each case, and what a failing one says at once."""

    def conclude(self, case, word):
        print(f"test python: {type(case).__name__}.{case._testMethodName} ... {word}", file=sys.__stdout__, flush=True)

    def addSuccess(self, case):
        super().addSuccess(case)
        self.conclude(case, "ok")

    def addFailure(self, case, error):
        super().addFailure(case, error)
        print(self.failures[-1][1], file=sys.__stdout__)
        self.conclude(case, "FAILED")

    def addError(self, case, error):
        super().addError(case, error)
        print(self.errors[-1][1], file=sys.__stdout__)
        self.conclude(case, "FAILED")

    def addSkip(self, case, reason):
        super().addSkip(case, reason)
        self.conclude(case, f"SKIPPED ({reason})")


def main():
    branches.serve()
    cases = unittest.defaultTestLoader.discover(sys.path[0], pattern="case_*.py")
    quiet = open("/dev/null", "w", encoding="utf-8")
    # The SDK prints a lot; it is shown when a case fails.
    unittest.TextTestRunner(stream=quiet, resultclass=OneLineEach, buffer=True).run(cases)
    print("end of cases")


if __name__ == "__main__":
    main()
