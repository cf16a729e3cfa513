# dovetail_runtime: src/runtime and what it uses of src/base as one shared library that needs
# nothing but libc, libm, libstdc++ and libgcc_s. Beside it the same as one archive, for static programs.
get_target_property(type dovetail_runtime_static TYPE)
if(type STREQUAL "INTERFACE_LIBRARY")
  add_custom_target(dovetail_runtime)
else()
  # It shows what its headers mark.
  set_target_properties(dovetail_runtime_static PROPERTIES CXX_VISIBILITY_PRESET hidden
                        VISIBILITY_INLINES_HIDDEN ON)
  # And is small: all but what runs take part in.
  foreach(part dovetail_runtime_static dovetail_base dovetail_fmt)
    target_compile_options(${part} PRIVATE $<$<CONFIG:Release>:-Os>)
  endforeach()
  foreach(source executor host process_pool tensor thread_pool)
    set_source_files_properties("${CMAKE_SOURCE_DIR}/src/runtime/${source}.cc" PROPERTIES
                                COMPILE_OPTIONS $<$<CONFIG:Release>:-O2>)
  endforeach()
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
