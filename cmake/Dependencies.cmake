# What scripts/setup installs from Debian. LLVM's own CMake files are not used: they insist on every
# static archive and tool of LLVM, and we need its headers and one shared library.
find_program(LLVM_CONFIG NAMES llvm-config-19 REQUIRED)
foreach(item includedir libdir bindir)
  execute_process(COMMAND "${LLVM_CONFIG}" --${item} OUTPUT_VARIABLE LLVM_${item}
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endforeach()

find_library(LLVM_LIBRARY NAMES LLVM-19 PATHS "${LLVM_libdir}" NO_DEFAULT_PATH REQUIRED)
add_library(dovetail_llvm INTERFACE)
target_include_directories(dovetail_llvm SYSTEM INTERFACE "${LLVM_includedir}")
target_link_libraries(dovetail_llvm INTERFACE "${LLVM_LIBRARY}")

find_package(ZLIB REQUIRED)
find_library(ZSTD_LIBRARY NAMES zstd REQUIRED)
add_library(dovetail_lld INTERFACE)
foreach(part ELF COFF MachO Wasm Common)
  find_library(LLD_${part}_LIBRARY NAMES liblld${part}.a PATHS "${LLVM_libdir}"
               NO_DEFAULT_PATH REQUIRED)
  target_link_libraries(dovetail_lld INTERFACE "${LLD_${part}_LIBRARY}")
endforeach()
target_link_libraries(dovetail_lld INTERFACE dovetail_llvm ZLIB::ZLIB "${ZSTD_LIBRARY}")

# Tools that compile and combine src/executor.
find_program(CLANG_PROGRAM NAMES clang-19 HINTS "${LLVM_bindir}" REQUIRED)
find_program(LLD_PROGRAM NAMES ld.lld-19 HINTS "${LLVM_bindir}" REQUIRED)

find_package(Threads REQUIRED)
find_package(Protobuf 3.21 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)

find_package(fmt REQUIRED)
get_target_property(FMT_INCLUDE_DIRECTORY fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
add_library(dovetail_fmt STATIC cmake/fmt_static.cc)
target_compile_options(dovetail_fmt PRIVATE -Os)  # a third of the runtime's code, for messages
target_include_directories(dovetail_fmt SYSTEM PUBLIC "${FMT_INCLUDE_DIRECTORY}")
