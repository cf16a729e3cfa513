# src/executor ships inside every exported library: clang compiles it once per target family, lld
# combines the objects, and the bytes become a table of dovetail_export (export/executor_objects.h).
#
# A new family is one row: FAMILY|CLANG TRIPLE|FLAGS OF ITS OWN. No CPU is named: the executor runs
# on every member of its family.
set(EXECUTOR_FAMILIES
    "x86_64-linux-gnu|x86_64-unknown-linux-gnu|"
    "aarch64-linux-gnu|aarch64-unknown-linux-gnu|-mno-outline-atomics")

set(EXECUTOR_FLAGS
    -std=c99 -O2 -ffreestanding -fno-builtin -fPIC -fvisibility=hidden
    -ffunction-sections -fdata-sections -fno-stack-protector -fno-ident -fomit-frame-pointer
    -fasynchronous-unwind-tables "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/="
    -Wall -Wextra -Wpedantic -Werror
    -I "${CMAKE_SOURCE_DIR}/include" -I "${CMAKE_SOURCE_DIR}/src")

file(GLOB EXECUTOR_SOURCES CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/executor/*.c")
set(EXECUTOR_DIR "${CMAKE_BINARY_DIR}/executor")
set(EXECUTOR_ASSEMBLY "\t.section .rodata.dovetail_executor,\"a\"\n")
set(EXECUTOR_DECLARATIONS "")
set(EXECUTOR_ROWS "")
set(EXECUTOR_OBJECTS "")

foreach(row IN LISTS EXECUTOR_FAMILIES)
  string(REPLACE "|" ";" row "${row}")
  list(GET row 0 family)
  list(GET row 1 triple)
  list(GET row 2 own_flags)
  if(NOT EXECUTOR_SOURCES)
    break()
  endif()
  file(MAKE_DIRECTORY "${EXECUTOR_DIR}/${family}")
  set(parts "")
  foreach(source IN LISTS EXECUTOR_SOURCES)
    get_filename_component(stem "${source}" NAME_WE)
    set(part "${EXECUTOR_DIR}/${family}/${stem}.o")
    add_custom_command(
      OUTPUT "${part}"
      COMMAND "${CLANG_PROGRAM}" --target=${triple} ${EXECUTOR_FLAGS} ${own_flags}
              -MD -MF "${part}.d" -c "${source}" -o "${part}"
      DEPENDS "${source}" DEPFILE "${part}.d"
      COMMENT "Compiling executor/${stem}.c for ${family}" VERBATIM)
    list(APPEND parts "${part}")
  endforeach()
  set(object "${EXECUTOR_DIR}/${family}.o")
  add_custom_command(
    OUTPUT "${object}"
    COMMAND "${LLD_PROGRAM}" -r -o "${object}" ${parts}
    DEPENDS ${parts} COMMENT "Combining the executor for ${family}" VERBATIM)
  list(APPEND EXECUTOR_OBJECTS "${object}")

  string(MAKE_C_IDENTIFIER "dovetail_executor_${family}" symbol)
  foreach(end begin end)
    string(APPEND EXECUTOR_DECLARATIONS "extern \"C\" const std::byte ${symbol}_${end}[];\n")
  endforeach()
  string(APPEND EXECUTOR_ROWS
         "    {\"${family}\", {${symbol}_begin, static_cast<std::size_t>(${symbol}_end - ${symbol}_begin)}},\n")
  string(APPEND EXECUTOR_ASSEMBLY
         "\t.balign 16\n\t.globl ${symbol}_begin\n\t.hidden ${symbol}_begin\n${symbol}_begin:\n"
         "\t.incbin \"${object}\"\n"
         "\t.globl ${symbol}_end\n\t.hidden ${symbol}_end\n${symbol}_end:\n")
endforeach()
string(APPEND EXECUTOR_ASSEMBLY "\t.section .note.GNU-stack,\"\",%progbits\n")

if(EXECUTOR_SOURCES)
  set(EXECUTOR_GENERATED "${CMAKE_BINARY_DIR}/generated/executor")
  file(CONFIGURE OUTPUT "${EXECUTOR_GENERATED}/executor_objects.s" CONTENT "${EXECUTOR_ASSEMBLY}" @ONLY)
  configure_file("${CMAKE_CURRENT_LIST_DIR}/executor_objects.cc.in"
                 "${EXECUTOR_GENERATED}/executor_objects.cc" @ONLY)
  set_source_files_properties("${EXECUTOR_GENERATED}/executor_objects.s" PROPERTIES
                              OBJECT_DEPENDS "${EXECUTOR_OBJECTS}")
  add_library(dovetail_executor_objects STATIC "${EXECUTOR_GENERATED}/executor_objects.cc"
              "${EXECUTOR_GENERATED}/executor_objects.s")
  target_include_directories(dovetail_executor_objects PRIVATE "${CMAKE_SOURCE_DIR}/src"
                             "${CMAKE_SOURCE_DIR}/include")
  target_link_libraries(dovetail_executor_objects PRIVATE dovetail_warnings)

  # The same sources by the host's compiler, for the unit tests.
  add_library(dovetail_executor STATIC ${EXECUTOR_SOURCES})
  target_include_directories(dovetail_executor PUBLIC "${CMAKE_SOURCE_DIR}/include"
                             "${CMAKE_SOURCE_DIR}/src")
  target_link_libraries(dovetail_executor PRIVATE dovetail_warnings)
else()
  add_library(dovetail_executor_objects INTERFACE)
  add_library(dovetail_executor INTERFACE)
endif()
