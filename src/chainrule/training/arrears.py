"""Rows of tables that wait for their updates until they are next read: ``lazy="exact"``.

A row is up to date when it is read, at the end of each epoch, and wherever somebody looks. What is
looked at within an epoch is a copy: when rows are brought up in place depends on the data alone, so
that who looks changes no bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.nn import load_parameters, named_parameters
from chainrule.optim.rows import LAST, catch_up
from chainrule.training.callbacks import State
from chainrule.training.plan import Plan
from chainrule.training.step import Step


class Arrears:
    """What rows have missed of updates.

    Parameters
    ----------
    plan : Plan
    step : Step
    tables : collection of str
        The parameters of which rows wait.
    """

    def __init__(self, plan: Plan, step: Step, tables: frozenset[str] = frozenset()) -> None:
        self.plan, self.step, self.tables = plan, step, tables
        self._rates: tuple[int, Any] = -1, ()

    def open(self, state: State) -> None:
        """Note in a state that all rows are up to date."""
        for name in self.tables:
            p = named_parameters(state.model)[name]
            state.optimizer_state["slots"][name][LAST] = np.full(len(p), state.step)

    def pay(self, state: State, read: Mapping[str, Any]) -> bool:
        """Bring rows up to date, in place.

        Parameters
        ----------
        state : State
        read : mapping of str to int array or None
            The rows, each once; None for all.

        Returns
        -------
        bool
            Whether any was not.
        """
        parameters, found = named_parameters(state.model), False
        rules = self.step.practice.rules(self.step.optimizer, state.model)
        for name in self.tables:
            p, slots = parameters[name], state.optimizer_state["slots"][name]
            places = np.arange(len(p)) if read[name] is None else read[name]
            if np.any(slots[LAST][places] < state.step):
                with np.errstate(all="ignore"):
                    catch_up(rules[name], p, slots, places, state.step, self._made(state))
                found = True
        return found

    def settle(self, state: State) -> None:
        """Bring all rows up to date, in place."""
        self.pay(state, dict.fromkeys(self.tables))

    def settled(self, state: State) -> State:
        """Return the state with all rows up to date: itself if they are, or one with copies."""
        slots = state.optimizer_state["slots"]
        if all(np.all(slots[name][LAST] == state.step) for name in self.tables):
            return state
        parameters = named_parameters(state.model)
        copies = {name: np.array(parameters[name]) for name in self.tables}
        own = {name: {k: np.array(x) for k, x in slots[name].items()} for name in self.tables}
        seen = replace(
            state,
            model=load_parameters(state.model, parameters | copies),
            optimizer_state=state.optimizer_state | {"slots": slots | own},
        )
        self.settle(seen)
        return seen

    def _made(self, state: State) -> Any:
        """Return the learning rates of the steps made of the epoch under way."""
        first = state.step - state.batch
        if self._rates[0] != first:
            schedule = self.plan.schedule_after(state.history)
            rates = self.plan.rates(schedule, first, state.steps_per_epoch)
            self._rates = first, np.array(rates)
        return self._rates[1][: state.batch]
