# SPDX-License-Identifier: GPL-3.0-or-later
# How every room is compiled, and the one function that declares a room.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq>=4.3)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c>=1.4)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.40)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)
pkg_check_modules(GSL REQUIRED IMPORTED_TARGET gsl)
pkg_check_modules(SMARTCOLS REQUIRED IMPORTED_TARGET smartcols)
find_library(PFM_LIBRARY pfm REQUIRED) # libpfm4-dev has no pkg-config file

add_library(assay_flags INTERFACE)
target_include_directories(assay_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(assay_flags INTERFACE _GNU_SOURCE)
target_compile_options(assay_flags INTERFACE
	-Wall -Wextra -Wconversion -Wno-sign-conversion -Wdouble-promotion -Wshadow -Wundef -Wvla
	-Wcast-qual -Wwrite-strings -Wpointer-arith -Wformat=2 -Wstrict-prototypes
	-Wmissing-prototypes -Wold-style-definition -Wimplicit-fallthrough
	-fno-strict-aliasing -fstack-protector-strong)
if(ASSAY_WERROR)
	target_compile_options(assay_flags INTERFACE -Werror)
endif()
if(ASSAY_SANITIZE)
	add_compile_options(-fsanitize=${ASSAY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
	add_link_options(-fsanitize=${ASSAY_SANITIZE})
	if(ASSAY_FUZZ)
		add_compile_options(-fsanitize=fuzzer-no-link)
	endif()
endif()

# assay_room(NAME DIR [FILES file...] [NEEDS room-or-library...])
#   every .c of DIR (not of its folders), or just FILES, becomes the static library assay_NAME.
function(assay_room name dir)
	cmake_parse_arguments(ROOM "" "" "FILES;NEEDS" ${ARGN})
	if(NOT ROOM_FILES)
		file(GLOB ROOM_FILES CONFIGURE_DEPENDS ${dir}/*.c)
	endif()
	if(NOT ROOM_FILES)
		add_library(assay_${name} INTERFACE)
		target_link_libraries(assay_${name} INTERFACE assay_flags ${ROOM_NEEDS})
		return()
	endif()
	add_library(assay_${name} STATIC ${ROOM_FILES})
	target_link_libraries(assay_${name} PUBLIC assay_flags ${ROOM_NEEDS})
endfunction()
