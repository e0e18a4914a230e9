<?xml version="1.0" encoding="UTF-8"?>
<CityModel xmlns="http://www.opengis.net/citygml/2.0" xmlns:bldg="http://www.opengis.net/citygml/building/2.0" xmlns:gen="http://www.opengis.net/citygml/generics/2.0" xmlns:gml="http://www.opengis.net/gml" xmlns:xlink="http://www.w3.org/1999/xlink">
  <gml:boundedBy><gml:Envelope srsName="EPSG:25832+7837" srsDimension="3"><gml:lowerCorner>343000 5674000 40</gml:lowerCorner><gml:upperCorner>343010 5674010 46</gml:upperCorner></gml:Envelope></gml:boundedBy>
  <cityObjectMember>
    <bldg:Building gml:id="B1">
      <bldg:boundedBy><bldg:GroundSurface><bldg:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember><gml:Polygon gml:id="p_g"><gml:exterior><gml:LinearRing><gml:posList>343000 5674000 40 343000 5674008 40 343010 5674008 40 343010 5674000 40 343000 5674000 40</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></bldg:lod2MultiSurface></bldg:GroundSurface></bldg:boundedBy>
      <bldg:boundedBy><bldg:RoofSurface><bldg:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember><gml:Polygon gml:id="p_r"><gml:exterior><gml:LinearRing><gml:posList>343000 5674000 46 343010 5674000 46 343010 5674008 46 343000 5674008 46 343000 5674000 46</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></bldg:lod2MultiSurface></bldg:RoofSurface></bldg:boundedBy>
      <bldg:boundedBy><bldg:WallSurface><bldg:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember><gml:Polygon gml:id="p_s"><gml:exterior><gml:LinearRing><gml:posList>343000 5674000 40 343010 5674000 40 343010 5674000 46 343000 5674000 46 343000 5674000 40</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></bldg:lod2MultiSurface></bldg:WallSurface></bldg:boundedBy>
      <bldg:boundedBy><bldg:WallSurface><bldg:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember><gml:Polygon gml:id="p_n"><gml:exterior><gml:LinearRing><gml:posList>343010 5674008 40 343000 5674008 40 343000 5674008 46 343010 5674008 46 343010 5674008 40</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></bldg:lod2MultiSurface></bldg:WallSurface></bldg:boundedBy>
      <bldg:boundedBy><bldg:WallSurface><bldg:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember><gml:Polygon gml:id="p_w"><gml:exterior><gml:LinearRing><gml:posList>343000 5674008 40 343000 5674000 40 343000 5674000 46 343000 5674008 46 343000 5674008 40</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></bldg:lod2MultiSurface></bldg:WallSurface></bldg:boundedBy>
      <bldg:boundedBy><bldg:WallSurface><bldg:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember><gml:Polygon gml:id="p_e"><gml:exterior><gml:LinearRing><gml:posList>343010 5674000 40 343010 5674008 40 343010 5674008 46 343010 5674000 46 343010 5674000 40</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></bldg:lod2MultiSurface></bldg:WallSurface></bldg:boundedBy>
    </bldg:Building>
  </cityObjectMember>
  <cityObjectMember>
    <bldg:Building gml:id="B2">
      <bldg:function>31001_1010</bldg:function>
    </bldg:Building>
  </cityObjectMember>
</CityModel>
