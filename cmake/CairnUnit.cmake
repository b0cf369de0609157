# One unit of DESIGN section 3: all .c files of its folder as objects, which see the public headers, their
# own folder and the folders listed in USES, and no other. LINK names the third parties; what uses
# the objects links them too.
#
#     cairn_unit(store USES base task)
#
set_property(GLOBAL PROPERTY CAIRN_UNITS "")
set_property(GLOBAL PROPERTY CAIRN_THIRD_PARTIES "")

# Store drivers stand at the top of the tree, all other units in src/.
function(cairn_unit_folder unit out)
    if(unit STREQUAL "s3" OR unit STREQUAL "hdfs")
        set(${out} ${PROJECT_SOURCE_DIR}/${unit} PARENT_SCOPE)
    else()
        set(${out} ${PROJECT_SOURCE_DIR}/src/${unit} PARENT_SCOPE)
    endif()
endfunction()

# cairn_sees(TARGET SCOPE UNIT...): the public headers, and the private ones of the units. -iquote
# and not -I, so that no name of ours can stand before a system header's.
function(cairn_sees target scope)
    target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR}/include)
    foreach(unit IN LISTS ARGN)
        cairn_unit_folder(${unit} folder)
        target_compile_options(${target} ${scope} -iquote${folder})
    endforeach()
endfunction()

function(cairn_unit name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LINK")
    cairn_unit_folder(${name} folder)
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c)
    add_library(cairn_${name} OBJECT ${sources})
    cairn_sees(cairn_${name} PRIVATE ${name} ${arg_USES})
    target_link_libraries(cairn_${name} PRIVATE cairn_flags cairn_warnings Threads::Threads
                          ${arg_LINK})
    set_property(GLOBAL APPEND PROPERTY CAIRN_UNITS ${name})
    set_property(GLOBAL APPEND PROPERTY CAIRN_THIRD_PARTIES ${arg_LINK})
endfunction()

# Names of all units, for programs that may look at each: tests and benchmarks.
file(GLOB CAIRN_ALL_UNITS LIST_DIRECTORIES true RELATIVE ${PROJECT_SOURCE_DIR}/src
     CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*)
list(REMOVE_ITEM CAIRN_ALL_UNITS CMakeLists.txt)
list(APPEND CAIRN_ALL_UNITS s3 hdfs)
