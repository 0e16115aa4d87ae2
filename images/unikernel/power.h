// SPDX-License-Identifier: GPL-3.0-or-later
/* power - the end of the machine. */
#pragma once

/* Let the console finish and switch the machine off. */
_Noreturn void power_off(void);
