# bin/dovetail from tools/dovetail, one file per subcommand.
dovetail_sources(sources "${CMAKE_SOURCE_DIR}/tools/dovetail")
if(sources)
  add_executable(dovetail ${sources})
  target_include_directories(dovetail PRIVATE "${CMAKE_SOURCE_DIR}/tools/dovetail")
  target_link_libraries(dovetail PRIVATE dovetail_compiler dovetail_runtime_static dovetail_warnings
                        CLI11::CLI11 nlohmann_json::nlohmann_json)
else()
  add_custom_target(dovetail)
endif()
