# One unit of DESIGN section 3: all of src/NAME/*.c as objects, which see the public headers, their
# own folder and the folders listed in USES, and no other. LINK names the third parties; what uses
# the objects links them too.
#
#     cairn_unit(store USES base task)
#
set_property(GLOBAL PROPERTY CAIRN_UNITS "")
set_property(GLOBAL PROPERTY CAIRN_THIRD_PARTIES "")

# cairn_sees(TARGET SCOPE UNIT...): the public headers, and the private ones of the units. -iquote
# and not -I, so that no name of ours can stand before a system header's.
function(cairn_sees target scope)
    target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR}/include)
    foreach(unit IN LISTS ARGN)
        target_compile_options(${target} ${scope} -iquote${PROJECT_SOURCE_DIR}/src/${unit})
    endforeach()
endfunction()

function(cairn_unit name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LINK")
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.c)
    add_library(cairn_${name} OBJECT ${sources})
    cairn_sees(cairn_${name} PRIVATE ${name} ${arg_USES})
    target_link_libraries(cairn_${name} PRIVATE cairn_flags cairn_warnings Threads::Threads
                          ${arg_LINK})
    set_property(GLOBAL APPEND PROPERTY CAIRN_UNITS ${name})
    set_property(GLOBAL APPEND PROPERTY CAIRN_THIRD_PARTIES ${arg_LINK})
endfunction()

# Names of all folders in src/, for programs that may look at each: tests and benchmarks.
file(GLOB CAIRN_ALL_UNITS LIST_DIRECTORIES true RELATIVE ${PROJECT_SOURCE_DIR}/src
     CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*)
list(REMOVE_ITEM CAIRN_ALL_UNITS CMakeLists.txt)
