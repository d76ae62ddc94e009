// Stand-in for the toolkit's pgraph.jsonnet: the same functions, as far as roilab's files use them.
local tn(inode) = if std.get(inode, 'name', '') == '' then inode.type else inode.type + ':' + inode.name;
local known(node) = if std.objectHas(node, 'nodes') then node.nodes else [];
{
  pnode(inode, nin=0, nout=0, uses=[], name=null):: {
    name: if name == null then inode.name else name,
    local used = std.flattenArrays([
      if std.objectHas(one, 'nodes') then one.nodes else std.get(one, 'uses', []) + [one]
      for one in uses
    ]),
    nodes: used + [inode],
    edges: [],
    iports: [{ node: tn(inode), port: n } for n in std.range(0, nin - 1)],
    oports: [{ node: tn(inode), port: n } for n in std.range(0, nout - 1)],
  },
  edge(tail, head, tp=0, hp=0):: {
    assert tp < std.length(tail.oports) : tail.name + ' has no output ' + tp,
    assert hp < std.length(head.iports) : head.name + ' has no input ' + hp,
    tail: tail.oports[tp],
    head: head.iports[hp],
  },
  intern(innodes=[], outnodes=[], centernodes=[], edges=[], iports=[], oports=[], name=''):: {
    local all = innodes + outnodes + centernodes,
    name: name,
    nodes: std.flattenArrays([known(node) for node in all]),
    edges: edges + std.flattenArrays([node.edges for node in all]),
    iports: if iports == [] then std.flattenArrays([node.iports for node in innodes]) else iports,
    oports: if oports == [] then std.flattenArrays([node.oports for node in outnodes]) else oports,
  },
  pipeline(elements, name=''):: $.intern(
    innodes=[elements[0]],
    outnodes=[elements[std.length(elements) - 1]],
    centernodes=elements[1:std.length(elements) - 1],
    edges=[$.edge(elements[n], elements[n + 1]) for n in std.range(0, std.length(elements) - 2)],
    name=name,
  ),
  edges(graph):: graph.edges,
  uses(graph):: graph.nodes,
}
