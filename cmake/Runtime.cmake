# dovetail_runtime: src/runtime and what it uses of src/base as one shared library that needs
# nothing but libc, libm, libstdc++ and libgcc_s. Beside it the same as one archive, for static programs.
get_target_property(type dovetail_runtime_static TYPE)
if(type STREQUAL "INTERFACE_LIBRARY")
  add_custom_target(dovetail_runtime)
else()
  # It shows what its headers declare and nothing else.
  target_compile_options(dovetail_runtime_static PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-fvisibility=hidden;-fvisibility-inlines-hidden>)
  add_library(dovetail_runtime SHARED $<TARGET_OBJECTS:dovetail_runtime_static>)
  target_include_directories(dovetail_runtime INTERFACE
    "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>")
  target_link_libraries(dovetail_runtime PRIVATE dovetail_base Threads::Threads)
  set_target_properties(dovetail_runtime PROPERTIES LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION}
                        SOVERSION 0 EXPORT_NAME runtime)
  # What DOVETAIL_API and DOVETAIL_C_API mark is seen from outside, no instance of a template.
  set(exports "${CMAKE_BINARY_DIR}/runtime_exports.map")
  file(WRITE "${exports}" [=[
{
  global:
    dovetail_*;
    extern "C++" { dovetail::*; "typeinfo for dovetail::Error"; "typeinfo name for dovetail::Error"; };
  local: *;
};
]=])
  target_link_options(dovetail_runtime PRIVATE -Wl,--as-needed -Wl,--gc-sections
                      -Wl,--exclude-libs,ALL "-Wl,--version-script=${exports}")
  if(NOT DOVETAIL_SANITIZE)
    target_link_options(dovetail_runtime PRIVATE -Wl,--no-undefined)
  endif()

  add_library(dovetail_runtime_archive STATIC $<TARGET_OBJECTS:dovetail_runtime_static>
              $<TARGET_OBJECTS:dovetail_base> $<TARGET_OBJECTS:dovetail_fmt>)
  target_include_directories(dovetail_runtime_archive INTERFACE
    "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>")
  set_target_properties(dovetail_runtime_archive PROPERTIES LINKER_LANGUAGE CXX
                        OUTPUT_NAME dovetail_runtime EXPORT_NAME runtime_static)
  add_dependencies(dovetail_runtime dovetail_runtime_archive)
endif()
