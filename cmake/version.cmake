# SPDX-License-Identifier: GPL-3.0-or-later
# What `assay version` prints: the project's version and, in a checkout, the commit.
execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} rev-parse --short=12 HEAD
	OUTPUT_VARIABLE ASSAY_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT ASSAY_COMMIT)
	set(ASSAY_COMMIT "unknown")
endif()
configure_file(${CMAKE_SOURCE_DIR}/cmake/version.h.in ${CMAKE_BINARY_DIR}/generated/version.h)
target_include_directories(assay_flags INTERFACE ${CMAKE_BINARY_DIR}/generated)
